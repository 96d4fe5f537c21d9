// SPDX-License-Identifier: Apache-2.0
// Submits a spec over HTTP, follows the experiment to its end, prints its scores.
//   dotnet run --project examples/csharp/http -- http://127.0.0.1:7300 specs/phantom-quick.json
// TERAVOX_KEY holds the API key where the cluster has keys.
using System.Text.Json;
using Teravox.Client;
using Teravox.Contracts.Api;

if (args.Length != 2)
{
    Console.Error.WriteLine("usage: teravox-example-http SERVER SPEC.json");
    return 2;
}

using var client = new TeravoxClient(args[0], Environment.GetEnvironmentVariable("TERAVOX_KEY"));
var spec = JsonElement.Parse(await File.ReadAllTextAsync(args[1]));
var made = await client.Experiments.SubmitAsync(new SubmitExperiment { Spec = spec });
Console.WriteLine($"experiment {made.Id} is submitted");

var ended = await client.Experiments.WatchAsync(
    made.Id,
    progress => Console.WriteLine(string.Join(", ", progress.Stages.Where(s => s.State == "running").Select(s => $"{s.Name} {s.Fraction:P0}"))),
    TimeSpan.FromSeconds(1),
    CancellationToken.None);
Console.WriteLine($"experiment {made.Id} {ended.State}");
if (ended.State != "succeeded")
    return 1;
foreach (var prediction in (await client.Experiments.ScoresAsync(made.Id, CancellationToken.None)).Predictions)
{
    foreach (var one in prediction.Classes)
        Console.WriteLine($"{prediction.Name} {one.Name}: F1 {one.F1:F3}");
}

return 0;
