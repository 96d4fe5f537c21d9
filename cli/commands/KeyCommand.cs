// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains.Catalog;

namespace Teravox.Cli.Commands;

/// <summary>
/// teravox key: API keys, straight in a cluster's catalog. The first key can not be made over HTTP, and who may write
/// the database may do anything in any case.
/// </summary>
internal static class KeyCommand
{
    private const string TimeFormat = "yyyy-MM-dd HH:mm";

    public static Command Make() => new("key", "Makes, lists and revokes the API keys of a cluster.") { Add(), List(), Revoke() };

    private static Command Add()
    {
        var databaseAddress = Database();
        var name = Name();
        var role = new Option<string>("--role")
        {
            Description = "reader: looks at everything; submitter: also submits and steers its own; operator: also steers everything and makes keys.",
            DefaultValueFactory = _ => "reader",
        };
        role.AcceptOnlyFromAmong("reader", "submitter", "operator");
        return new Command(
            "add",
            """
            Makes a key and prints its secret, which is kept nowhere and can not be shown again.

            Example:
              ./teravox key add --database postgres://teravox@db/teravox --role submitter ann
            """)
        {
            databaseAddress, role, name,
        }.Does(async (r, ct) =>
        {
            var keyName = r.GetRequiredValue(name);
            KeySecret.CheckName(keyName);
            await using var catalog = await Catalogs.OpenAsync(DatabaseOption.Address(r.GetValue(databaseAddress)), ct);
            var secret = KeySecret.Make();
            var keyRole = Enum.Parse<ApiRole>(r.GetRequiredValue(role), ignoreCase: true);
            if (await catalog.AddKeyAsync(keyName, keyRole, KeySecret.Hash(secret), ct) is null)
                throw new InputException($"There is a key \"{keyName}\" already; revoke it first, or choose another name.");
            await Console.Error.WriteLineAsync("Keep this secret: it is shown only now.");
            Console.Out.WriteLine(secret);
            return Guarded.Success;
        });
    }

    private static Command List()
    {
        var databaseAddress = Database();
        var json = Options.Json();
        return new Command(
            "list",
            """
            Lists all keys, revoked ones too. Secrets are not among it: the catalog has only their hashes.

            Example:
              ./teravox key list --database postgres://teravox@db/teravox
            """)
        {
            databaseAddress, json,
        }.Does(async (r, ct) =>
        {
            await using var catalog = await Catalogs.OpenAsync(DatabaseOption.Address(r.GetValue(databaseAddress)), ct);
            var asJson = r.GetValue(json);
            foreach (var key in await catalog.KeysAsync(ct))
                Console.Out.WriteLine(asJson ? JsonSerializer.Serialize(key, TeravoxJson.Compact) : Line(key));
            return Guarded.Success;
        });
    }

    private static Command Revoke()
    {
        var databaseAddress = Database();
        var name = Name();
        return new Command(
            "revoke",
            """
            Makes a key useless from now on.

            Example:
              ./teravox key revoke --database postgres://teravox@db/teravox ann
            """)
        {
            databaseAddress, name,
        }.Does(async (r, ct) =>
        {
            await using var catalog = await Catalogs.OpenAsync(DatabaseOption.Address(r.GetValue(databaseAddress)), ct);
            var keyName = r.GetRequiredValue(name);
            if (!await catalog.RevokeKeyAsync(keyName, ct))
                throw new InputException($"There is no key \"{keyName}\" in use; \"teravox key list\" shows all.");
            return Guarded.Success;
        });
    }

    private static string Line(KeyRow key)
    {
        var made = key.Created.ToString(TimeFormat, CultureInfo.InvariantCulture);
        var end = key.Revoked?.ToString($"'revoked' {TimeFormat}", CultureInfo.InvariantCulture) ?? "in use";
        return $"{key.Id,4}  {key.Name,-24}  {key.Role.ToString().ToLowerInvariant(),-9}  made {made}  {end}";
    }

    private static Option<string?> Database() => new("--database")
    {
        Description = $"The cluster's database: postgres://user:password@host:port/database or sqlite:FILE; {DatabaseOption.Variable} when left out.",
    };

    private static Argument<string> Name() => new("name") { Description = "Whose key it is: letters, digits, '-', '_', '.', '@'." };
}
