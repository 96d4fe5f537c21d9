using System.CommandLine;
namespace Teravox.Cli.Commands;
internal static class ExploreCommand { public static Command Make() => new("explore", "x"); }
