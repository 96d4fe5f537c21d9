// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains;
using Teravox.Grains.Ledger;
using Teravox.Grains.Ledger.Sqlite;
using Teravox.Silo;

namespace Teravox.Ledger.Tests;

/// <summary>A real ledger and silos with the test's own grain on it.</summary>
public abstract class SiloFixture : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private ILedger? _ledger;

    private protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>A result that adds one to the sum "n".</summary>
    private protected static WorkResult One => new(Sums: new Dictionary<string, long[]> { ["n"] = [1] });

    private protected ILedger Ledger => _ledger!;

    private protected string LedgerPath => _folder["ledger.db"];

    public async ValueTask InitializeAsync() => _ledger = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await Ledger.DisposeAsync();
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected static NewStage Stage(string name, params string[] after) => new(name, "kind", after);

    private protected static SiloOptions OneSlot(SiloOptions options) => options with { Devices = [new SiloDevice("cpu", 1, 1)] };

    /// <summary>Opens the test's ledger once more, making it the first time: a SQLite file, unless a derived class has another.</summary>
    private protected virtual async Task<ILedger> OpenAsync(TimeSpan? retryDelay = null, TimeSpan? busyTimeout = null) => await SqliteLedger.OpenAsync(
        LedgerPath,
        new SqliteLedgerOptions
        {
            RetryDelay = retryDelay ?? TimeSpan.FromMilliseconds(5),
            BusyTimeout = busyTimeout ?? TimeSpan.FromSeconds(5),
        },
        Ct);

    private protected Task<long> SubmitAsync(params NewStage[] stages) => Ledger.SubmitAsync(new NewExperiment("e", "{}", stages), Ct);

    private protected SiloHost Silo(
        Func<WorkTurn, CancellationToken, Task<WorkResult>> work,
        Func<StageRow, int> count,
        Func<SiloOptions, SiloOptions>? change = null,
        ILedger? ledger = null)
    {
        var options = new SiloOptions(SiloOptions.NewName(), [new SiloDevice("cpu", 3, 1)]) { Poll = TimeSpan.FromMilliseconds(50) };
        return new SiloHost(ledger ?? Ledger, [new TestGrain(work)], new TestPlanner(count), change is null ? options : change(options));
    }

    private protected async Task<StageRow> StageAsync(long experimentId, string name = "s") =>
        (await Ledger.StagesAsync(experimentId, Ct)).Single(stage => stage.Name == name);

    private protected async Task<long> SumAsync(long experimentId, string stage) =>
        (await Ledger.SumsAsync((await StageAsync(experimentId, stage)).Id, Ct)).GetValueOrDefault("n", [0])[0];
}
