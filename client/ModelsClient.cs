// SPDX-License-Identifier: Apache-2.0
using Teravox.Client.Http;
using Teravox.Contracts.Api;

namespace Teravox.Client;

/// <summary>Models that specs may name.</summary>
public sealed class ModelsClient
{
    private readonly Transport _transport;

    internal ModelsClient(Transport transport) => _transport = transport;

    /// <summary>All models from the newest.</summary>
    public IAsyncEnumerable<ModelInfo> ListAsync(CancellationToken ct = default) => _transport.PagesAsync<ModelInfo>("models?limit=200", ct);

    /// <summary>One model; null when there is none of this name.</summary>
    public Task<ModelInfo?> FindAsync(string name, CancellationToken ct = default) => _transport.FindAsync<ModelInfo>(Call.Join("models", name), ct);

    /// <summary>
    /// Registers a model. Not repeated after a broken connection: whether it was registered is then to be asked with
    /// <see cref="FindAsync"/>.
    /// </summary>
    public Task<ModelInfo> RegisterAsync(RegisterModel model, CancellationToken ct = default) => _transport.JsonAsync<ModelInfo>(Call.Once("models", model), ct);

    /// <summary>Fetches the .safetensors file; a broken download goes on where it stopped, also in a later call.</summary>
    public Task DownloadAsync(string name, string file, IProgress<long>? progress = null, CancellationToken ct = default) =>
        _transport.DownloadAsync(Call.Join("models", name, "file"), file, null, progress, ct);
}
