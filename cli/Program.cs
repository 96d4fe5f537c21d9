// SPDX-License-Identifier: Apache-2.0
return await Teravox.Cli.CommandLine.RunAsync(args);
