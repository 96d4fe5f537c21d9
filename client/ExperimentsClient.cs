// SPDX-License-Identifier: Apache-2.0
using Teravox.Client.Http;
using Teravox.Contracts;
using Teravox.Contracts.Api;

namespace Teravox.Client;

/// <summary>Experiments.</summary>
public sealed class ExperimentsClient
{
    private readonly Transport _transport;

    internal ExperimentsClient(Transport transport) => _transport = transport;

    /// <summary>Submits an experiment; however often the connection breaks, one is made.</summary>
    /// <param name="experiment">What is asked for.</param>
    /// <param name="idempotencyKey">1..200 characters; the same key with the same request is the same experiment. New for each call when null.</param>
    /// <param name="ct">Stops it.</param>
    public Task<ExperimentInfo> SubmitAsync(SubmitExperiment experiment, string? idempotencyKey = null, CancellationToken ct = default) =>
        _transport.JsonAsync<ExperimentInfo>(Call.Submit("experiments", experiment, idempotencyKey), ct);

    /// <summary>Experiments from the newest, of a state, campaign or owner where that is given.</summary>
    public IAsyncEnumerable<ExperimentInfo> ListAsync(string? state = null, string? campaign = null, string? owner = null, CancellationToken ct = default) =>
        _transport.PagesAsync<ExperimentInfo>(Call.With("experiments", ("limit", 100), ("state", state), ("campaign", campaign), ("owner", owner)), ct);

    /// <summary>One experiment; null when there is none of this number.</summary>
    public Task<ExperimentInfo?> FindAsync(long id, CancellationToken ct = default) => _transport.FindAsync<ExperimentInfo>(Call.Join("experiments", id), ct);

    /// <summary>How far it is.</summary>
    public Task<ExperimentProgress> ProgressAsync(long id, CancellationToken ct = default) =>
        _transport.JsonAsync<ExperimentProgress>(Call.Get(Call.Join("experiments", id, "progress")), ct);

    /// <summary>Its spec, names and paths resolved.</summary>
    public Task<ExperimentSpec> SpecAsync(long id, CancellationToken ct = default) =>
        _transport.JsonAsync<ExperimentSpec>(Call.Get(Call.Join("experiments", id, "spec")), ct);

    /// <summary>No more of it is begun; what runs may end.</summary>
    public Task<ExperimentInfo> PauseAsync(long id, CancellationToken ct = default) => ChangeAsync(id, "pause", ct);

    /// <summary>Undoes a pause.</summary>
    public Task<ExperimentInfo> ResumeAsync(long id, CancellationToken ct = default) => ChangeAsync(id, "resume", ct);

    /// <summary>Ends it.</summary>
    public Task<ExperimentInfo> CancelAsync(long id, CancellationToken ct = default) => ChangeAsync(id, "cancel", ct);

    /// <summary>Runs what failed again.</summary>
    public Task<ExperimentInfo> RetryAsync(long id, CancellationToken ct = default) => ChangeAsync(id, "retry", ct);

    /// <summary>Its F1 values and thresholds; 404 before it succeeded, and of experiments that score nothing.</summary>
    public Task<ScoreReport> ScoresAsync(long id, CancellationToken ct = default) =>
        _transport.JsonAsync<ScoreReport>(Call.Get(Call.Join("experiments", id, "scores")), ct);

    /// <summary>Its result files by path. A volume is one entry that ends in '/'; with its path as <paramref name="under"/> come the files in it.</summary>
    public IAsyncEnumerable<ResultFile> ResultsAsync(long id, string? under = null, CancellationToken ct = default) =>
        _transport.PagesAsync<ResultFile>(Call.With(Call.Join("experiments", id, "results"), ("limit", 1000), ("under", under)), ct);

    /// <summary>
    /// Fetches a result file. It appears under its name when it is whole; until then it grows beside it as NAME.part, from which a
    /// later call goes on.
    /// </summary>
    /// <param name="id">The experiment.</param>
    /// <param name="result">One of <see cref="ResultsAsync"/>; no volume.</param>
    /// <param name="file">Where to write it; an existing file is replaced.</param>
    /// <param name="progress">Told the bytes as they come.</param>
    /// <param name="ct">Stops it.</param>
    public Task DownloadAsync(long id, ResultFile result, string file, IProgress<long>? progress = null, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(result);
        var path = Call.Join(["experiments", id, "results", .. result.Path.Split('/')]);
        return _transport.DownloadAsync(path, file, result.Bytes, progress, ct);
    }

    /// <summary>Follows it until it ends and returns how; a broken connection is made anew.</summary>
    /// <param name="id">The experiment.</param>
    /// <param name="seen">Told how far it is, at each look.</param>
    /// <param name="every">Time between two looks.</param>
    /// <param name="ct">Stops following, not the experiment.</param>
    public async Task<ExperimentInfo> WatchAsync(long id, Action<ExperimentProgress>? seen, TimeSpan every, CancellationToken ct = default)
    {
        // Fractions of running items are no events, so looks at a beat say more than the event stream.
        for (; ; )
        {
            var progress = await ProgressAsync(id, ct);
            seen?.Invoke(progress);
            if (HasEnded(progress.Experiment.State))
                return progress.Experiment;
            await Task.Delay(every, ct);
        }
    }

    /// <summary>True for succeeded, failed and cancelled.</summary>
    public static bool HasEnded(string state) => state is "succeeded" or "failed" or "cancelled";

    private Task<ExperimentInfo> ChangeAsync(long id, string change, CancellationToken ct) =>
        _transport.JsonAsync<ExperimentInfo>(Call.Transition(Call.Join("experiments", id, change)), ct);
}
