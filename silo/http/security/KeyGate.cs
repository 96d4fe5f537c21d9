// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Teravox.Contracts.Api;
using Teravox.Grains.Catalog;

namespace Teravox.Silo.Http.Security;

/// <summary>
/// Lets requests in by their key, from the header or from a browser's cookie. What the catalog said of a key is believed for <see cref="Believed"/>, so a key that is
/// revoked on any silo is refused on all soon after.
/// </summary>
internal sealed class KeyGate(IKeyRing keys, bool loopbackOnly)
{
    public static readonly TimeSpan Believed = TimeSpan.FromSeconds(3);
    private const int MostKept = 10_000;
    private const string Scheme = "Bearer ";

    private readonly ConcurrentDictionary<string, (Caller? Caller, long Until)> known = new(StringComparer.Ordinal);
    private readonly FailedKeys failed = new();
    private (bool Any, long Until)? any;

    /// <summary>True when requests need a key.</summary>
    public async Task<bool> KeysNeededAsync(CancellationToken ct)
    {
        if (any is { } one && Environment.TickCount64 < one.Until)
            return one.Any;
        var there = !loopbackOnly || (await keys.KeysAsync(ct)).Any(k => k.Revoked is null);
        any = (there, Until());
        return there;
    }

    /// <summary>Keys were changed through this silo: it need not wait to know.</summary>
    public void Forget()
    {
        any = null;
        known.Clear();
    }

    /// <summary>The middleware, after routing and before the routes.</summary>
    public async Task GuardAsync(HttpContext http, RequestDelegate next)
    {
        // Probes ask for no role: whether the process lives must not depend on the database.
        if (http.GetEndpoint()?.Metadata.GetMetadata<NeededRole>()?.Role is { } role)
        {
            var withKeys = await KeysNeededAsync(http.RequestAborted);
            if (!withKeys)
                Loopback.RefuseOtherSites(http.Request);
            var caller = withKeys ? await CallerAsync(http) : Caller.Anyone;
            if (caller.Role < role)
                throw new ProblemException(403, $"This needs a key with the role {Word(role)}; yours is a {Word(caller.Role)}'s.");
            http.Features.Set(caller);
        }

        await next(http);
    }

    /// <summary>Who is signed in; null for nobody. A cookie whose key is not valid any more is taken back.</summary>
    /// <exception cref="ProblemException">429: too many wrong keys.</exception>
    public async Task<Caller?> SignedInAsync(HttpContext http)
    {
        if (!await KeysNeededAsync(http.RequestAborted))
            return Caller.Anyone;
        var (secret, byCookie) = SecretOf(http.Request);
        if (secret is null)
            return null;
        var caller = await LookUpAsync(http, secret);
        if (caller is null && byCookie)
            SessionCookie.Delete(http);
        return caller;
    }

    /// <summary>Checks a key that is to sign a browser in.</summary>
    /// <exception cref="ProblemException">401: it is not valid; 429: too many were not.</exception>
    public async Task MustBeValidAsync(HttpContext http, string secret)
    {
        if (await LookUpAsync(http, secret) is null)
            throw WrongKey(http);
    }

    private async Task<Caller> CallerAsync(HttpContext http)
    {
        var (secret, byCookie) = SecretOf(http.Request);
        if (secret is null)
            throw Refuse(http, "This needs a key: Authorization: Bearer tvx_...", error: null);
        if (byCookie)
            SessionCookie.CheckWrite(http.Request);
        if (await LookUpAsync(http, secret) is { } caller)
            return caller;

        // A page that goes on asking with a revoked key would lock its address out for everybody.
        if (byCookie)
            AtStart(http, () => SessionCookie.Delete(http));
        throw WrongKey(http);
    }

    private static (string? Secret, bool ByCookie) SecretOf(HttpRequest request)
    {
        var header = request.Headers.Authorization.ToString();
        if (header.Length == 0)
            return (SessionCookie.Read(request), true);
        return (header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..].Trim() : "", false);
    }

    // Null for a wrong one, which is counted.
    private async Task<Caller?> LookUpAsync(HttpContext http, string secret)
    {
        var hash = KeySecret.Hash(secret);
        var cached = known.TryGetValue(hash, out var kept);
        if (cached && Environment.TickCount64 < kept.Until)
        {
            if (kept.Caller is null)
                failed.Count(http.Connection.RemoteIpAddress);
            return kept.Caller;
        }

        // A key that was right a moment ago is asked for in any case, so that others' wrong ones cannot lock it out.
        if (kept.Caller is null)
            failed.RefuseTooMany(http.Connection.RemoteIpAddress);
        var row = secret.StartsWith(KeySecret.Prefix, StringComparison.Ordinal) ? await keys.FindKeyAsync(hash, http.RequestAborted) : null;
        var caller = row is null ? null : new Caller(row.Name, row.Role);
        if (known.Count >= MostKept)
            known.Clear();
        known[hash] = (caller, Until());
        if (caller is null)
            failed.Count(http.Connection.RemoteIpAddress);
        return caller;
    }

    private static ProblemException WrongKey(HttpContext http) =>
        Refuse(http, "The key is not valid, or it was revoked; ask an operator for another.", "invalid_token");

    private static ProblemException Refuse(HttpContext http, string why, string? error)
    {
        AtStart(http, () => http.Response.Headers.WWWAuthenticate = error is null ? "Bearer realm=\"teravox\"" : $"Bearer realm=\"teravox\", error=\"{error}\"");
        return new ProblemException(401, why);
    }

    // Headers must outlive the clearing of the response, so they are set when the answer starts.
    private static void AtStart(HttpContext http, Action set) => http.Response.OnStarting(() =>
    {
        set();
        return Task.CompletedTask;
    });

    private static long Until() => Environment.TickCount64 + (long)Believed.TotalMilliseconds;

    private static string Word(ApiRole role) => role.ToString().ToLowerInvariant();
}
