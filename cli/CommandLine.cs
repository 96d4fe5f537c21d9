// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Teravox.Cli.Commands;

namespace Teravox.Cli;

/// <summary>The command line, of this program and of those that add a host to it.</summary>
internal static class CommandLine
{
    /// <summary>Does what the arguments ask for. Returns the exit code.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        KillSwitch.Arm();

        var root = new RootCommand(
            """
            Teravox segments volume electron microscopy: it trains 3D U-Nets on a few labelled slices, says how good each class is, runs the trained model over volumes of any size, and enlarges sections by super-resolution.

            Try it:  ./teravox demo
            The script also does: build, test, bench, format
            """);
        root.Add(DemoCommand.Make());
        root.Add(DoctorCommand.Make());
        root.Add(RunCommand.Make());
        root.Add(SegmentCommand.Make());
        root.Add(ZssrCommand.Make());
        root.Add(ScoreCommand.Make());
        root.Add(ExploreCommand.Make());
        root.Add(ExportCommand.Make());
        root.Add(PhantomCommand.Make());
        root.Add(ModelCommand.Make());
        root.Add(SubmitCommand.Make());
        root.Add(StatusCommand.Make());
        foreach (var command in SteerCommands.Make())
            root.Add(command);
        root.Add(ReportCommand.Make());
        root.Add(CampaignCommand.Make());
        foreach (var command in ClusterLists.Make())
            root.Add(command);
        root.Add(SiloCommand.Make());
        root.Add(ClusterCommand.Make());
        root.Add(KeyCommand.Make());
        root.Add(ClusterCertificateCommand.Make());

        var parsed = root.Parse(args);
        return await parsed.InvokeAsync(new InvocationConfiguration
        {
            // Commands turn expected errors into one line; what is left is a defect, whose trace is wanted.
            EnableDefaultExceptionHandler = false,

            // Silos handle their signals themselves, and take the time that they were given.
            ProcessTerminationTimeout = parsed.CommandResult.Command.Name is SiloCommand.Name or ClusterCommand.Name ? null : TimeSpan.FromSeconds(30),
        });
    }
}
