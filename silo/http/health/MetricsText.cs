// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using Teravox.Contracts.Api;
using Teravox.Contracts.Work;
using Teravox.Grains.Catalog;

namespace Teravox.Silo.Http.Health;

/// <summary>The cluster's state in Prometheus' text format, version 0.0.4.</summary>
internal static class MetricsText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    public static void Gauge(StringBuilder to, string name, string help, IEnumerable<(string Labels, double Value)> lines) =>
        Write(to, name, help, "gauge", lines);

    public static void Counter(StringBuilder to, string name, string help, IEnumerable<(string Labels, double Value)> lines) =>
        Write(to, name, help, "counter", lines);

    public static string Escape(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    public static void Work(StringBuilder to, IReadOnlyDictionary<ExperimentState, long> experiments, IReadOnlyList<ItemCounts> items)
    {
        Gauge(to, "teravox_experiments", "Experiments by state.", Enum.GetValues<ExperimentState>()
            .Select(s => ($"state=\"{s.ToString().ToLowerInvariant()}\"", (double)experiments.GetValueOrDefault(s))));
        Gauge(to, "teravox_items", "Work items by kind of stage and state; waiting ones of experiments that run or are paused.", items.SelectMany(k => new[]
        {
            ($"kind=\"{Escape(k.Kind)}\",state=\"waiting\"", (double)k.Waiting), ($"kind=\"{Escape(k.Kind)}\",state=\"leased\"", k.HandedOut),
            ($"kind=\"{Escape(k.Kind)}\",state=\"done\"", k.Done), ($"kind=\"{Escape(k.Kind)}\",state=\"failed\"", k.Failed),
        }));
    }

    public static void Silos(StringBuilder to, IReadOnlyList<SiloInfo> silos)
    {
        Gauge(to, "teravox_silo_up", "1 while the silo is heard of.", silos.Select(s => (Label(s), s.Alive ? 1.0 : 0)));
        Counter(to, "teravox_silo_items_done_total", "Items the silo committed since its start.", silos.Select(s => (Label(s), (double)s.Status.ItemsDone)));
        Gauge(to, "teravox_silo_items_per_second", "Items the silo committed per second over the last minute.", silos.Select(s => (Label(s), s.Status.ItemsPerSecond)));
        Gauge(to, "teravox_silo_items_running", "Items the silo works on.", silos.Select(s => (Label(s), (double)s.Status.Running.Length)));
        Gauge(to, "teravox_silo_memory_bytes", "Working memory of the silo's process.", silos.Select(s => (Label(s), (double)s.Status.MemoryBytes)));
    }

    private static string Label(SiloInfo silo) => $"silo=\"{Escape(silo.Name)}\"";

    private static void Write(StringBuilder to, string name, string help, string type, IEnumerable<(string Labels, double Value)> lines)
    {
        to.Append("# HELP ").Append(name).Append(' ').Append(help).Append("\n# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
        foreach (var (labels, value) in lines)
            to.Append(name).Append('{').Append(labels).Append("} ").Append(value.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }
}
