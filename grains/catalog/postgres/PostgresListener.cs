// SPDX-License-Identifier: Apache-2.0
using Npgsql;

namespace Teravox.Grains.Catalog.Postgres;

/// <summary>
/// One connection that listens for the database's notifications and passes them on in this process. It is made again
/// whenever it breaks, after a while that grows and varies, so that silos do not all come back to a restarted server at
/// once. Meanwhile callers poll as they do anyway.
/// </summary>
internal sealed class PostgresListener : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);
    private readonly string _connectionString;
    private readonly string _listen;
    private readonly Action _heard;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    /// <summary>Begins to listen; <paramref name="heard"/> is called for every notification, and whenever some may have been missed.</summary>
    public PostgresListener(NpgsqlConnectionStringBuilder address, string listen, Action heard)
    {
        _connectionString = new NpgsqlConnectionStringBuilder(address.ConnectionString)
        {
            Pooling = false,
            KeepAlive = 10,
            ApplicationName = $"{address.ApplicationName} listener",
        }.ConnectionString;
        (_listen, _heard) = (listen, heard);
        _loop = Task.Run(ListenAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task ListenAsync()
    {
        var pause = FirstPause;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await using var connection = new NpgsqlConnection(_connectionString);
                await connection.OpenAsync(_stop.Token);
                await using (var listen = new NpgsqlCommand(_listen, connection))
                {
                    await listen.ExecuteNonQueryAsync(_stop.Token);
                }

                // Something may have been missed while nobody listened.
                _heard();
                pause = FirstPause;
                connection.Notification += (_, _) => _heard();
                while (true)
                {
                    await connection.WaitAsync(_stop.Token);
                }
            }
            catch (Exception) when (!_stop.IsCancellationRequested)
            {
                // Hints are a convenience: whatever is wrong with the database is said by the calls that need it.
                await Task.Delay(pause * (0.5 + Random.Shared.NextDouble()), _stop.Token);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
    }
}
