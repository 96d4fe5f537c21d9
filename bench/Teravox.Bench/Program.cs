// SPDX-License-Identifier: Apache-2.0
return await Teravox.Bench.BenchProgram.RunAsync(args);
