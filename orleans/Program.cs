// SPDX-License-Identifier: Apache-2.0
// The program teravox with the host on Orleans built in.
using Teravox.Cli;
using Teravox.Orleans;

GrainHosts.Orleans = new OrleansHost();
return await CommandLine.RunAsync(args);
