// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Teravox.Client;
using Teravox.Contracts;

namespace Teravox.Cli;

/// <summary>Runs a command's action and turns its end into an exit code.</summary>
internal static class Guarded
{
    /// <summary>Everything succeeded.</summary>
    public const int Success = 0;

    /// <summary>The work failed.</summary>
    public const int Failed = 1;

    /// <summary>The input is wrong; one line on standard error says how.</summary>
    public const int BadInput = 2;

    /// <summary>Stopped by Ctrl-C or SIGTERM.</summary>
    public const int Stopped = 130;

    /// <summary>Gives a command its action.</summary>
    public static Command Does(this Command command, Func<ParseResult, CancellationToken, Task<int>> action)
    {
        command.SetAction(async (result, ct) =>
        {
            try
            {
                return await action(result, ct);
            }
            catch (InputException e)
            {
                await Console.Error.WriteLineAsync(Sentence(e.Message));
                return BadInput;
            }
            catch (TeravoxApiException e)
            {
                await Console.Error.WriteLineAsync(Sentence(e.Message));
                return e.IsCallersFault ? BadInput : Failed;
            }
            catch (TeravoxUnreachableException e)
            {
                await Console.Error.WriteLineAsync(Sentence(e.Message + (e.NobodyListens ? "; start one with ./teravox cluster, or name another with --server" : "")));
                return Failed;
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                await Console.Error.WriteLineAsync("teravox: stopped; what was done is kept, and the same command goes on from there.");
                return Stopped;
            }
            catch (DatabaseUnavailableException e)
            {
                await Console.Error.WriteLineAsync(Sentence(e.Message));
                return Failed;
            }
            catch (IOException e)
            {
                await Console.Error.WriteLineAsync(Sentence(e.Message));
                return Failed;
            }
            catch (UnauthorizedAccessException e)
            {
                await Console.Error.WriteLineAsync(Sentence(e.Message));
                return Failed;
            }
        });
        return command;
    }

    /// <summary>An error as people read it: one line that begins with the program's name and ends with a stop.</summary>
    public static string Sentence(string message) => $"teravox: {message.ReplaceLineEndings(" ").TrimEnd('.', ' ')}.";
}
