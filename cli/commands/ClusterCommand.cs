// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Teravox.Contracts;
using Teravox.Silo.Http.Security;

namespace Teravox.Cli.Commands;

/// <summary>teravox cluster: some silos and a PostgreSQL on one machine.</summary>
internal static class ClusterCommand
{
    public const string Name = "cluster";

    public static Command Make()
    {
        var silos = new Option<int>("--silos") { Description = "Number of silos.", DefaultValueFactory = _ => 3 };
        var folder = new Option<string>("--dir") { Description = "Folder for database and store; the same again goes on where it stopped.", DefaultValueFactory = _ => "teravox-cluster" };
        var port = new Option<int>("--port") { Description = "The first silo listens here, the others on the ports after it.", DefaultValueFactory = _ => 7300 };
        var devices = new Option<string[]>("--device") { Description = "Device of every silo, as cpu; may be given often.", DefaultValueFactory = _ => [] };
        var roots = new Option<string[]>("--root") { Description = "Folder under which clients may name volumes and models; the folder you are in when left out.", DefaultValueFactory = _ => [Environment.CurrentDirectory] };
        var (cors, pageUpload) = (Options.Cors(), Options.PageUpload());
        var withInput = new Option<bool>(SiloCommand.StopWithStandardInput) { Hidden = true };
        return new Command(
            Name,
            """
            Starts a cluster on this machine for trying it out: a PostgreSQL of its own and silos that share it. Ctrl-C lets running work end and stops it all; what was done is kept in the folder.

            Example:
              ./teravox cluster --silos 3 --dir my-cluster
            """)
        {
            silos, folder, port, devices, roots, cors, pageUpload, withInput,
        }.Does(async (r, _) =>
        {
            var settings = new ClusterSettings(
                InRange("--silos", r.GetRequiredValue(silos), 1, 64),
                Path.GetFullPath(r.GetRequiredValue(folder)),
                InRange("--port", r.GetRequiredValue(port), 1, 65_000),
                r.GetRequiredValue(devices),
                [.. r.GetRequiredValue(roots).Select(Path.GetFullPath)],
                [.. r.GetRequiredValue(cors).Select(OtherOrigins.Check)],
                Options.CheckPageUpload(r.GetRequiredValue(pageUpload)));
            using var signals = new StopSignals();
            if (r.GetValue(withInput))
                signals.FollowStandardInput();
            return await ClusterProgram.RunAsync(settings, signals);
        });
    }

    private static int InRange(string option, int value, int least, int most) =>
        value >= least && value <= most ? value : throw new InputException($"{option} {value}: must be {least} to {most}.");
}
