// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;
using Dapper;
using Orleans.Storage;
using Teravox.Contracts;

namespace Teravox.Grains.Catalog.Sqlite;

/// <summary>
/// States of grains in the SQLite file of the catalog, as JSON. The ETag is a number that grows with every write: of two
/// activations that have read the same state one writes and the other gets <see cref="InconsistentStateException"/>.
/// </summary>
public sealed class SqliteGrainStorage : IGrainStorage
{
    private readonly SqliteDatabase _database;

    /// <summary>In the file of this catalog.</summary>
    /// <exception cref="ArgumentException">The catalog is not in a SQLite file.</exception>
    public SqliteGrainStorage(ICatalog catalog) =>
        _database = catalog is SqlCatalog { Database: SqliteDatabase database } ? database : throw new ArgumentException("the catalog is not in a SQLite file", nameof(catalog));

    /// <inheritdoc/>
    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        ArgumentNullException.ThrowIfNull(grainState);
        var row = await _database.ReadAsync(
            connection => connection.QueryFirstOrDefaultAsync<Row>(_database.Texts["grains.read"], new { id = grainId.ToString(), type = stateName }),
            CancellationToken.None);
        grainState.ETag = row?.Etag.ToString(CultureInfo.InvariantCulture);
        grainState.RecordExists = row?.State is not null;
        grainState.State = row?.State is { } bytes ? GrainJson.Read<T>(bytes) : Activator.CreateInstance<T>();
    }

    /// <inheritdoc/>
    /// <exception cref="InconsistentStateException">Another has written since this state was read.</exception>
    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        ArgumentNullException.ThrowIfNull(grainState);
        grainState.ETag = await WriteAsync(stateName, grainId, grainState.ETag, GrainJson.Write(grainState.State));
        grainState.RecordExists = true;
    }

    /// <inheritdoc/>
    /// <exception cref="InconsistentStateException">Another has written since this state was read.</exception>
    public async Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        ArgumentNullException.ThrowIfNull(grainState);
        if (grainState.ETag is not null)
            grainState.ETag = await WriteAsync(stateName, grainId, grainState.ETag, null);
        grainState.RecordExists = false;
        grainState.State = Activator.CreateInstance<T>();
    }

    private async Task<string> WriteAsync(string stateName, GrainId grainId, string? etag, byte[]? state)
    {
        var id = grainId.ToString();
        var written = await _database.WriteAsync(
            CatalogDatabase.GrainWrite,
            turn => etag is null
                ? turn.FirstAsync<long?>("grains.add", new { id, type = stateName, state })
                : turn.FirstAsync<long?>("grains.replace", new { id, type = stateName, state, etag = long.Parse(etag, CultureInfo.InvariantCulture) }),
            CancellationToken.None);
        return written?.ToString(CultureInfo.InvariantCulture)
            ?? throw new InconsistentStateException($"The state {stateName} of grain {id} was written by another since it was read.", "another", etag ?? "none");
    }

    private sealed record Row
    {
        public byte[]? State { get; init; }

        public long Etag { get; init; }
    }
}

/// <summary>States of grains as JSON: they read well in any shell of the database.</summary>
public sealed class GrainJson : IGrainStorageSerializer
{
    /// <inheritdoc/>
    public BinaryData Serialize<T>(T? input) => new(Write(input));

    /// <inheritdoc/>
    public T Deserialize<T>(BinaryData input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Read<T>(input.ToMemory().Span);
    }

    internal static byte[] Write<T>(T? state) => JsonSerializer.SerializeToUtf8Bytes(state, TeravoxJson.Compact);

    internal static T Read<T>(ReadOnlySpan<byte> bytes) => JsonSerializer.Deserialize<T>(bytes, TeravoxJson.Compact)!;
}
