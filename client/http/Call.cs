// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Teravox.Client.Http;

/// <summary>One request, described so that it can be sent more than once.</summary>
/// <param name="Method">GET, POST, PUT, DELETE.</param>
/// <param name="Path">Below /api/v1/, escaped, with its query.</param>
internal sealed record Call(HttpMethod Method, string Path)
{
    // Volumes and specs are checked whole before the answer: every header, every label value.
    private static readonly TimeSpan CheckTimeout = TimeSpan.FromHours(1);

    /// <summary>Makes the body; anew for each attempt.</summary>
    public Func<HttpContent>? Body { get; init; }

    /// <summary>Lays headers on; anew for each attempt.</summary>
    public Action<HttpRequestMessage>? Prepare { get; init; }

    /// <summary>
    /// True when doing it twice comes to the same as doing it once, so that it may be sent again where nobody knows whether the
    /// first attempt took effect.
    /// </summary>
    public bool Repeatable { get; init; } = true;

    /// <summary>How long one attempt may take; null takes the client's.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>True when the reader keeps the answer open and disposes it.</summary>
    public bool KeepOpen { get; init; }

    public static Call Get(string path) => new(HttpMethod.Get, path);

    /// <summary>A change of state whose repetition changes nothing more.</summary>
    public static Call Transition(string path) => new(HttpMethod.Post, path);

    /// <summary>Makes something; the server knows a second attempt by its key.</summary>
    public static Call Submit<T>(string path, T body, string? key = null)
    {
        key ??= Guid.NewGuid().ToString("N");
        return Once(path, body) with { Repeatable = true, Prepare = r => r.Headers.Add("Idempotency-Key", key) };
    }

    /// <summary>Makes something that a second attempt would make twice, or would find made.</summary>
    public static Call Once<T>(string path, T body) =>
        new(HttpMethod.Post, path) { Repeatable = false, Timeout = CheckTimeout, Body = () => JsonContent.Create(body, options: ClientJson.Options) };

    /// <summary>A path of escaped parts.</summary>
    public static string Join(params IEnumerable<object> parts) =>
        string.Join('/', parts.Select(p => Uri.EscapeDataString(Convert.ToString(p, CultureInfo.InvariantCulture)!)));

    /// <summary>The path with the queries that have a value.</summary>
    public static string With(string path, params IEnumerable<(string Name, object? Value)> query)
    {
        var text = new StringBuilder(path);
        var mark = '?';
        foreach (var (name, value) in query)
        {
            if (value is null)
                continue;
            text.Append(mark).Append(name).Append('=').Append(Uri.EscapeDataString(Convert.ToString(value, CultureInfo.InvariantCulture)!));
            mark = '&';
        }

        return text.ToString();
    }
}

/// <summary>JSON as the API speaks it.</summary>
internal static class ClientJson
{
    /// <summary>As everywhere in Teravox, but a newer server's further fields are passed over.</summary>
    public static JsonSerializerOptions Options { get; } =
        new(Contracts.TeravoxJson.Compact) { UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Skip };
}
