// SPDX-License-Identifier: Apache-2.0
// Submits a spec to a cluster's grains, follows the experiment, and cancels it when Ctrl-C comes.
//   dotnet run --project examples/csharp/grains -- 10.0.0.5:7401 my-stack.json certificates
// The address is that of any silo for clients: its --cluster-address, port + 1. The folder has the cluster's certificates; it is left
// out where silos speak no TLS, which is for one machine only.
using System.Net;
using Teravox.Client;
using Teravox.Contracts;
using Teravox.Contracts.Work;

if (args.Length is not (2 or 3) || !IPEndPoint.TryParse(args[0], out var gateway))
{
    Console.Error.WriteLine("usage: teravox-example-grains IP:PORT SPEC.json [CERTIFICATES]");
    return 2;
}

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};
using var certificate = args.Length == 3 ? ClusterCertificate.Load(args[2]) : null;
await using var cluster = await ClusterClient.ConnectAsync(new ClusterClientOptions { Gateways = [gateway], Certificate = certificate }, stop.Token);
var id = await cluster.SubmitAsync(await File.ReadAllTextAsync(args[1]), ct: stop.Token);
Console.WriteLine($"experiment {id} is submitted");
try
{
    var state = await cluster.FollowAsync(id, Show, stop.Token);
    Console.WriteLine($"experiment {id} {state.ToString().ToLowerInvariant()}");
    return state == ExperimentState.Succeeded ? 0 : 1;
}
catch (OperationCanceledException)
{
    await cluster.CancelAsync(id);
    Console.WriteLine($"experiment {id} is cancelled");
    return 130;
}

static void Show(ExperimentStatus status)
{
    foreach (var stage in status.Stages.Where(s => s.State == StageState.Running))
        Console.WriteLine($"{stage.Name}: {stage.Done} of {stage.Items}");
}
