// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Api;

namespace Teravox.Web.Tests;

/// <summary>A silo that the tests of a class share, one after the other; each ends what it has begun.</summary>
public class OwnSilo : IAsyncLifetime
{
    private readonly (string Name, ApiRole Role)[] _keys;
    private LiveSilo? _silo;

    public OwnSilo()
        : this([])
    {
    }

    private protected OwnSilo(params (string Name, ApiRole Role)[] keys) => _keys = keys;

    public async ValueTask InitializeAsync()
    {
        if (Chromium.IsThere)
            _silo = await LiveSilo.StartAsync(_keys);
    }

    /// <summary>The silo, alive: started again where the test before has left it dead.</summary>
    internal async Task<LiveSilo> AliveAsync()
    {
        Chromium.Require();
        if (!_silo!.IsAlive)
            await _silo.StartAgainAsync();
        return _silo;
    }

    public async ValueTask DisposeAsync()
    {
        if (_silo is not null)
            await _silo.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

/// <summary>The same with keys: ann steers, bob and eve look.</summary>
public sealed class OwnSiloWithKeys() : OwnSilo(("ann", ApiRole.Operator), ("bob", ApiRole.Reader), ("eve", ApiRole.Reader));
