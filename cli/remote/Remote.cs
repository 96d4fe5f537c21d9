// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Teravox.Client;
using Teravox.Contracts;

namespace Teravox.Cli.Remote;

/// <summary>The options of every command that speaks to a cluster, and the client made of them.</summary>
internal sealed class Remote
{
    private const string DefaultServer = "http://127.0.0.1:7300";

    private readonly Option<string[]> _server = new("--server")
    {
        Description = $"Address of a silo; given often, the next is asked when one is down. Else TERAVOX_SERVER (commas between several), else {DefaultServer}.",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<string?> _keyFile = new("--key-file") { Description = "A file that holds the API key; else TERAVOX_KEY." };

    private readonly Option<bool> _json = Options.Json();

    /// <summary>Gives a command the options and its action.</summary>
    public static Command Command(string name, string description, IEnumerable<Symbol> symbols, Func<ParseResult, Session, CancellationToken, Task<int>> action)
    {
        var remote = new Remote();
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument)
                command.Add(argument);
            else
                command.Add((Option)symbol);
        }

        command.Add(remote._server);
        command.Add(remote._keyFile);
        command.Add(remote._json);
        return command.Does(async (r, ct) =>
        {
            using var client = remote.Client(r);
            return await action(r, new Session(client, r.GetValue(remote._json)), ct);
        });
    }

    private TeravoxClient Client(ParseResult r)
    {
        var servers = r.GetRequiredValue(_server);
        if (servers.Length == 0)
            servers = (Environment.GetEnvironmentVariable("TERAVOX_SERVER") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (servers.Length == 0)
            servers = [DefaultServer];
        var key = r.GetValue(_keyFile) is { } file ? ReadKey(file) : Environment.GetEnvironmentVariable("TERAVOX_KEY");

        // Whoever watches for days rides out a restart of the whole cluster.
        return new TeravoxClient(new TeravoxClientOptions { Servers = [.. servers.Select(Address)], Key = key?.Trim(), Patience = TimeSpan.FromMinutes(10) });
    }

    private static Uri Address(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? uri
            : throw new InputException($"--server {text}: expected an address as {DefaultServer}.");

    private static string ReadKey(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim() is { Length: > 0 } key ? key : throw new InputException($"--key-file {file}: is empty.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"--key-file {file}: cannot be read ({e.Message}).", e);
        }
    }
}

/// <summary>One command's talk with a cluster.</summary>
/// <param name="Client">The cluster.</param>
/// <param name="Json">JSON for machines instead of text.</param>
internal sealed record Session(TeravoxClient Client, bool Json)
{
    /// <summary>Writes a result: one line of JSON, or text.</summary>
    public void Write<T>(T value, Func<string> text) => Write(Json, value, text);

    /// <summary>Says what is going on; not to machines.</summary>
    public void Say(string text) => Say(Json, text);

    /// <summary>Says what is going on; not to machines.</summary>
    public static void Say(bool json, string text)
    {
        if (!json)
            Console.Error.WriteLine(text);
    }

    /// <summary>Writes a result: one line of JSON, or text.</summary>
    public static void Write<T>(bool json, T value, Func<string> text) =>
        Console.Out.WriteLine(json ? System.Text.Json.JsonSerializer.Serialize(value, TeravoxJson.Compact) : text());
}
