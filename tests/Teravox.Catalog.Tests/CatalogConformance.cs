// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Work;
using Teravox.Grains.Catalog;

namespace Teravox.Catalog.Tests;

/// <summary>
/// The rules of <see cref="Teravox.Grains.Catalog.ICatalog"/>, for every catalog to pass. A derived class opens its catalog; the tests are in the
/// files <c>CatalogConformance.*.cs</c> by topic.
/// </summary>
public abstract partial class CatalogConformance : IAsyncLifetime
{
    // A catalog's times are whole milliseconds.
    private readonly DateTimeOffset _begun = DateTimeOffset.UtcNow.AddMilliseconds(-1);
    private ICatalog? _catalog;

    private protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    private protected ICatalog Catalog => _catalog!;

    public async ValueTask InitializeAsync() => _catalog = await OpenAsync();

    public virtual async ValueTask DisposeAsync()
    {
        if (_catalog is not null)
            await _catalog.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens the database of this test once more, making it the first time.</summary>
    private protected abstract Task<ICatalog> OpenAsync();

    private protected static NewStage Stage(string name, params string[] after) => new(name, "kind", after);

    private protected static NewEvent Event(string mark, string kind = "log") => new(mark, kind, "s", $"text of {mark}");

    private protected async Task<long> SubmitAsync(NewExperiment experiment) => Assert.Single(await Catalog.SubmitAsync([experiment], Ct));

    private protected Task<long> SubmitAsync(params NewStage[] stages) => SubmitAsync(new NewExperiment("experiment", "{}", stages));

    private protected async Task<ExperimentState> StateAsync(long id) => (await Catalog.FindAsync(id, Ct))!.State;

    /// <summary>Checks that a time is of this test: the database's clock is this machine's.</summary>
    private protected DateTimeOffset IsNow(DateTimeOffset? time)
    {
        Assert.NotNull(time);
        Assert.InRange(time.Value, _begun, DateTimeOffset.UtcNow);
        return time.Value;
    }
}
