// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using Teravox.Contracts;
using Teravox.Silo.Local;

namespace Teravox.Bench.Ledger;

/// <summary>The private server of the ledger bench, past the ledger: a second database, settings, and pgbench.</summary>
internal sealed partial class BenchDatabase(PrivatePostgres server)
{
    /// <summary>Address of the second database, for the small backlog.</summary>
    public string SmallAddress => server.Address.Replace($"/{PrivatePostgres.Database}?", "/small?", StringComparison.Ordinal);

    public Task MakeSmallAsync(CancellationToken ct) => ExecuteAsync("small_database.sql", [], ct);

    public Task MakePeerAsync(int items, CancellationToken ct) =>
        ExecuteAsync("peer_table.sql", [new("items", items)], ct);

    public async Task<IReadOnlyDictionary<string, string>> SettingsAsync(CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionString());
        await using var command = source.CreateCommand(Text("settings.sql"));
        await using var reader = await command.ExecuteReaderAsync(ct);
        var settings = new SortedDictionary<string, string>(StringComparer.Ordinal);
        while (await reader.ReadAsync(ct))
            settings[reader.GetString(0)] = reader.GetString(1);
        return settings;
    }

    /// <summary>Items a second that pgbench claims and commits with as many connections.</summary>
    /// <exception cref="InputException">pgbench is missing or failed.</exception>
    public async Task<double> PeerAsync(string script, int itemsOfScript, int connections, int seconds, CancellationToken ct)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, Text(script), ct);
            var info = new ProcessStartInfo(Pgbench()) { RedirectStandardOutput = true, RedirectStandardError = true };
            foreach (var argument in (string[])[
                "-h", server.SocketFolder, "-p", Number(PrivatePostgres.Port), "-U", PrivatePostgres.User, "-n", "-M", "prepared",
                "-c", Number(connections), "-j", Number(Math.Min(connections, Environment.ProcessorCount)), "-T", Number(seconds), "-f", file, PrivatePostgres.Database])
                info.ArgumentList.Add(argument);
            using var process = Process.Start(info)!;
            var output = process.StandardOutput.ReadToEndAsync(ct);
            var error = await process.StandardError.ReadToEndAsync(ct);
            await process.WaitForExitAsync(ct);
            var rate = Rate().Match(await output);
            if (process.ExitCode != 0 || !rate.Success)
                throw new InputException($"pgbench failed: {error}");
            return itemsOfScript * double.Parse(rate.Groups[1].Value, CultureInfo.InvariantCulture);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private async Task ExecuteAsync(string script, NpgsqlParameter[] parameters, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionString());
        await using var command = source.CreateCommand(Text(script));
        command.CommandTimeout = 600;
        command.Parameters.AddRange(parameters);
        await command.ExecuteNonQueryAsync(ct);
    }

    private string ConnectionString() => new NpgsqlConnectionStringBuilder
    {
        Host = server.SocketFolder,
        Port = PrivatePostgres.Port,
        Username = PrivatePostgres.User,
        Database = PrivatePostgres.Database,
        Pooling = false,
    }.ConnectionString;

    private static string Text(string name)
    {
        using var stream = typeof(BenchDatabase).Assembly.GetManifestResourceStream(name)!;
        return new StreamReader(stream).ReadToEnd();
    }

    private static string Number(int n) => n.ToString(CultureInfo.InvariantCulture);

    private static string Pgbench()
    {
        var debian = Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql").OrderDescending() : Enumerable.Empty<string>();
        return debian.Select(d => Path.Combine(d, "bin", "pgbench")).FirstOrDefault(File.Exists) ?? "pgbench";
    }

    [GeneratedRegex(@"tps = ([0-9.]+) \(without")]
    private static partial Regex Rate();
}
