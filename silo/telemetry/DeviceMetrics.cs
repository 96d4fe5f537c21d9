// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.Metrics;
using Teravox.Grains.Telemetry;
using Teravox.Silo.Devices;

namespace Teravox.Silo.Telemetry;

/// <summary>What the devices of this silo do, while they work.</summary>
internal sealed class DeviceMetrics : IDisposable
{
    private readonly Meter _meter = new(WorkMetrics.MeterName);

    public DeviceMetrics(IReadOnlyList<DeviceQueue> devices)
    {
        _meter.CreateObservableCounter(
            "teravox.device.busy",
            () => devices.Select(d => new Measurement<double>(d.Gate.Computed.TotalSeconds, Label(d))),
            "s",
            "Time that the device computed; its rate is the share of time that it is busy.");
        _meter.CreateObservableGauge(
            "teravox.device.items",
            () => devices.SelectMany(d => new[]
            {
                new Measurement<int>(d.Length.Running, Label(d), new("state", "running")),
                new Measurement<int>(d.Length.Waiting, Label(d), new("state", "waiting")),
            }),
            "{item}",
            "Items that the device has, by state: running, or waiting for their turns or for the answer to their reports.");
    }

    public void Dispose() => _meter.Dispose();

    private static KeyValuePair<string, object?> Label(DeviceQueue device) => new("device", device.Device.Name);
}
