// SPDX-License-Identifier: Apache-2.0
using System.Net;
using Teravox.Contracts.Api;

[assembly: AssemblyFixture(typeof(Teravox.Api.Tests.FinishedExperiment))]

namespace Teravox.Api.Tests;

/// <summary>A server with an experiment that was submitted over HTTP and run to its end by a real silo.</summary>
public sealed class FinishedExperiment : IAsyncLifetime
{
    internal Server Server { get; private set; } = null!;

    public long Id { get; private set; }

    public string Api => $"/api/v1/experiments/{Id}";

    public async ValueTask InitializeAsync()
    {
        Server = await Server.StartAsync();
        var info = await Server.Http.PostJsonAsync("/api/v1/experiments", Specs.Submit("finished")).MustAsync<ExperimentInfo>(HttpStatusCode.Created);
        Id = info.Id;
        await using var silo = new Silos(Server);
        await silo.RunAsync(Id);
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
