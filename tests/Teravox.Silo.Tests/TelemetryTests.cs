// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Contracts.Work;

namespace Teravox.Silo.Tests;

/// <summary>One experiment, run by a silo that has a collector; what it told of itself.</summary>
public sealed class ObservedExperiment : IAsyncLifetime
{
    /// <summary>What /metrics answered after the experiment's end.</summary>
    public string Metrics { get; private set; } = "";

    /// <summary>Its content type.</summary>
    public string? ContentType { get; private set; }

    internal IReadOnlyList<Span> Spans { get; private set; } = [];

    /// <summary>Bytes of metrics that the collector got.</summary>
    public long MetricBytes { get; private set; }

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        await using var collector = await Collector.StartAsync();
        await using (var silo = await RunningSilo.StartAsync())
        {
            using var http = await silo.ClientAsync();
            Assert.Equal(ExperimentState.Succeeded, await silo.RunExperimentAsync(http));
            using var answer = await http.GetAsync(new Uri("/metrics", UriKind.Relative), CancellationToken.None);
            Metrics = await answer.Content.ReadAsStringAsync(CancellationToken.None);
            ContentType = answer.Content.Headers.ContentType?.ToString();
            await silo.StopAsync();
        }

        (Spans, MetricBytes) = ([.. collector.Spans], collector.MetricBytes);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

/// <summary>What a silo tells of itself.</summary>
public sealed class TelemetryTests(ObservedExperiment observed) : IClassFixture<ObservedExperiment>
{
    [Fact]
    public void Traces_WhenAnExperimentWasRun_AreOneTreeFromTheRequestToTheStepsOfItems()
    {
        var experiment = Assert.Single(observed.Spans, s => s.Name == "experiment");
        var tree = observed.Spans.Where(s => s.Trace == experiment.Trace).ToDictionary(s => s.Id);
        Assert.StartsWith("POST", Assert.Single(tree.Values, s => s.Parent.Length == 0).Name, StringComparison.Ordinal);
        Assert.All(tree.Values.Where(s => s.Parent.Length > 0), s => Assert.True(tree.ContainsKey(s.Parent), $"the span above {s} is missing"));

        // Nothing of the experiment lies in another trace.
        Assert.Equal(observed.Spans.Count(IsOurs), tree.Values.Count(IsOurs));
        Assert.Equal("submit", Above("experiment", s => s.Name == "submit"));
        Assert.Equal("experiment", Above("stage"));
        Assert.Equal("stage", Above("range"));
        Assert.Equal("range", Above("item"));
        Assert.All(["read", "network", "write", "checkpoint"], step => Assert.Equal("item", Above(step)));
        Assert.Equal(4, tree.Values.Count(s => s.Name == "network"));

        string Above(string name, Func<Span, bool>? until = null)
        {
            var above = tree.Values.Where(s => s.Name == name).Select(s =>
            {
                var parent = tree[s.Parent];
                while (until is not null && !until(parent))
                    parent = tree[parent.Parent];
                return parent.Name;
            });
            return Assert.Single(above.Distinct());
        }

        static bool IsOurs(Span span) => span.Name is "experiment" or "stage" or "range" or "item" or "read" or "network" or "write" or "checkpoint";
    }

    [Fact]
    public void Traces_WhenSilosCallEachOther_DoNotBeginWithTheirCalls() =>
        Assert.DoesNotContain(observed.Spans, s => s.Parent.Length == 0 && s.Name.Contains("Grain", StringComparison.Ordinal));

    [Fact]
    public void Metrics_WhenThereIsACollector_AreSentToIt() => Assert.True(observed.MetricBytes > 0, "the collector got no metrics");

    [Theory]
    [InlineData("teravox_experiments{state=\"succeeded\"}", 1)]
    [InlineData("teravox_items_total{kind=\"infer\",state=\"done\"}", 4)]
    [InlineData("teravox_voxels_total{kind=\"infer\"}", 8 * 32 * 32)]
    [InlineData("teravox_device_busy_seconds_total{device=\"cpu\"}", 0.001)]
    [InlineData("teravox_device_items{device=\"cpu\",state=\"waiting\"}", 0)]
    [InlineData("teravox_state_writes_total{type=\"experiment\"}", 1)]
    [InlineData("teravox_state_writes_total{type=\"range\"}", 1)]
    [InlineData("teravox_catalog_writes_total{operation=\"submit\"}", 1)]
    [InlineData("teravox_silo_up{silo=\"s\"}", 1)]
    [InlineData("teravox_silo_items_done_total{silo=\"s\"}", 0)]
    [InlineData("teravox_silo_memory_bytes{silo=\"s\"}", 1e6)]
    public void Metrics_WhenAnExperimentWasRun_CountIt(string line, double least)
    {
        var value = Value(line);
        Assert.True(value >= least, $"{line} is {value}, less than {least}");
    }

    [Theory]
    [InlineData("http_server_request_duration_seconds_count")]
    [InlineData("orleans_")]
    [InlineData("dotnet_gc_")]
    public void Metrics_WhenRead_HaveThoseOfTheParts(string prefix) => Assert.Contains("\n" + prefix, observed.Metrics, StringComparison.Ordinal);

    [Fact]
    public void Metrics_WhenRead_AreInPrometheusFormat() => Assert.StartsWith("text/plain; version=0.0.4", observed.ContentType, StringComparison.Ordinal);

    private double Value(string line)
    {
        var found = observed.Metrics.Split('\n').FirstOrDefault(l => l.StartsWith(line + " ", StringComparison.Ordinal));
        Assert.True(found is not null, $"{line} is missing among:\n{string.Join('\n', observed.Metrics.Split('\n').Where(l => l.StartsWith("teravox", StringComparison.Ordinal)))}");
        return double.Parse(found[line.Length..].Trim().Split(' ')[0], CultureInfo.InvariantCulture);
    }
}
