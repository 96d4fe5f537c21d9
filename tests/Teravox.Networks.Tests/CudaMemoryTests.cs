// SPDX-License-Identifier: Apache-2.0
using System.Runtime.Versioning;

namespace Teravox.Networks.Tests;

[SupportedOSPlatform("linux")]
public sealed class CudaMemoryTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("teravox-smi-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void BytesOf_WhenToolAnswers_TurnsMebibytesIntoBytes()
    {
        var tool = Tool("""[ "$1 $2 $3 $4" = "--query-gpu=memory.total --format=csv,noheader,nounits -i 3" ] && echo 81559""");

        Assert.Equal(81559L << 20, CudaMemory.BytesOf(3, tool));
    }

    [Theory]
    [InlineData("echo '[N/A]'")]
    [InlineData("echo 81559; exit 9")]
    [InlineData("echo No devices were found >&2; exit 6")]
    public void BytesOf_WhenToolDoesNotSay_IsZero(string script) => Assert.Equal(0, CudaMemory.BytesOf(0, Tool(script)));

    [Fact]
    public void BytesOf_WhenThereIsNoTool_IsZero() => Assert.Equal(0, CudaMemory.BytesOf(0, Path.Combine(folder.FullName, "none")));

    private string Tool(string script)
    {
        var path = Path.Combine(folder.FullName, "nvidia-smi");
        File.WriteAllText(path, "#!/bin/sh\n" + script + "\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }
}
