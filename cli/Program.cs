// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Teravox.Cli;
using Teravox.Cli.Commands;

KillSwitch.Arm();

var root = new RootCommand(
    """
    Teravox segments volume electron microscopy: it trains 3D U-Nets on a few labelled slices, says how good each class is, and runs the trained model over volumes of any size.

    Try it:  ./teravox demo
    The script also does: build, test, bench infer|train, format
    """);
root.Add(DemoCommand.Make());
root.Add(RunCommand.Make());
root.Add(SegmentCommand.Make());
root.Add(ScoreCommand.Make());
root.Add(ExploreCommand.Make());
root.Add(ExportCommand.Make());
root.Add(PhantomCommand.Make());
root.Add(ModelCommand.Make());

var parsed = root.Parse(args);
return await parsed.InvokeAsync(new InvocationConfiguration
{
    // Commands turn expected errors into one line; what is left is a defect, whose trace is wanted.
    EnableDefaultExceptionHandler = false,
    ProcessTerminationTimeout = TimeSpan.FromSeconds(30),
});
