// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Compute.Tests;

public sealed class InferenceSessionTests
{
    private static readonly Int3 Core = new(8, 16, 16);

    public InferenceSessionTests() => Native.Require();

    private static Tile MakeTile(ReadOnlySpan<byte> voxels, VoxelType type, Int3 shape, Int3 start) => new()
    {
        Voxels = voxels,
        Type = type,
        Shape = shape,
        CoreStart = start,
        CoreShape = Core,
        Mean = 120,
        Std = 50,
    };

    [Fact]
    public void Infer_WhenRun_IsTheSigmoidOfTheLogits()
    {
        using var network = Network.Create(Native.SmallNet, 3, 1);
        using var session = new InferenceSession(network, "cpu", 1);
        var shape = new Int3(16, 32, 32);
        var tile = MakeTile(Native.Bytes(shape.Count, 1), VoxelType.UInt8, shape, new Int3(4, 8, 8));
        var logits = new float[3 * Core.Count];
        var probabilities = new byte[logits.Length];
        session.Logits(tile, logits, TestContext.Current.CancellationToken);
        session.Infer(tile, probabilities, TestContext.Current.CancellationToken);
        Assert.True(logits.Max() - logits.Min() > .1f);
        for (var i = 0; i < logits.Length; i++)
        {
            // One level apart where rounding decides.
            Assert.InRange(probabilities[i] - 255 / (1 + Math.Exp(-logits[i])), -.501, .501);
        }
    }

    [Fact]
    public void Infer_WhenVoxelsAreWide_ReadsTheSameNumbers()
    {
        using var network = Network.Create(Native.SmallNet, 2, 1);
        using var session = new InferenceSession(network, "cpu", 1);
        var narrow = Native.Bytes(Core.Count, 2);
        var wide = MemoryMarshal.AsBytes(narrow.Select(static v => (ushort)v).ToArray().AsSpan());
        var (a, b) = (new byte[2 * Core.Count], new byte[2 * Core.Count]);
        session.Infer(MakeTile(narrow, VoxelType.UInt8, Core, Int3.Zero), a, TestContext.Current.CancellationToken);
        session.Infer(MakeTile(wide, VoxelType.UInt16, Core, Int3.Zero), b, TestContext.Current.CancellationToken);
        Assert.Equal(a, b);
    }

    [Fact]
    public void Infer_WhenTheNetworkIsDisposed_GoesOn()
    {
        var network = Network.Create(Native.SmallNet, 1, 1);
        using var session = new InferenceSession(network, "cpu", 1);
        network.Dispose();
        var tile = MakeTile(Native.Bytes(Core.Count, 3), VoxelType.UInt8, Core, Int3.Zero);
        session.Infer(tile, new byte[Core.Count], TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Infer_WhenCancelled_ThrowsTheCallersToken()
    {
        using var network = Network.Create(Native.SmallNet, 1, 1);
        using var session = new InferenceSession(network, "cpu", 1);
        using var source = new CancellationTokenSource();
        var voxels = Native.Bytes(Core.Count, 4);
        source.Cancel();
        var e = Assert.ThrowsAny<OperationCanceledException>(() =>
            session.Infer(MakeTile(voxels, VoxelType.UInt8, Core, Int3.Zero), new byte[Core.Count], source.Token));
        Assert.Equal(source.Token, e.CancellationToken);
        Assert.Equal("stopped by the caller", e.Message);
    }

    [Fact]
    public void Infer_WhenABufferIsTooSmall_IsRefusedBeforeTheLibrary()
    {
        using var network = Network.Create(Native.SmallNet, 2, 1);
        using var session = new InferenceSession(network, "cpu", 1);
        var voxels = Native.Bytes(Core.Count, 5);
        void Infer(VoxelType type, long outputs) =>
            session.Infer(MakeTile(voxels, type, Core, Int3.Zero), new byte[outputs], TestContext.Current.CancellationToken);
        Assert.Throws<ArgumentException>(() => Infer(VoxelType.UInt8, 2 * Core.Count - 1));
        Assert.Throws<ArgumentException>(() => Infer(VoxelType.UInt16, 2 * Core.Count));
        Infer(VoxelType.UInt8, 2 * Core.Count);
    }

    [Fact]
    public void Constructor_WhenTheDeviceIsAbsent_NamesIt()
    {
        using var network = Network.Create(Native.SmallNet, 2, 1);
        Assert.Contains("cuda:77", Assert.Throws<InputException>(() => new InferenceSession(network, "cuda:77", 1)).Message);
    }
}
