// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Teravox.Compute.Interop;
using Teravox.Contracts;

namespace Teravox.Compute;

/// <summary>
/// A 3D U-Net's weights, immutable: any number of threads and sessions may share one. Sessions and trainers keep what
/// they need, so a network may be disposed of before them.
/// </summary>
public sealed unsafe class Network : IDisposable
{
    internal Network(ModelHandle handle)
    {
        Handle = handle;
        NativeStatus.Check(NativeMethods.ModelArch(handle, out var arch));
        Architecture = arch.ToContract();
        OutChannels = arch.OutChannels;
        CardJson = Marshal.PtrToStringUTF8((nint)NativeMethods.ModelCard(handle)) ?? "";
        ParameterCount = NativeMethods.ModelParameterCount(handle);
        var names = new string[NativeMethods.ModelTensorCount(handle)];
        for (var i = 0; i < names.Length; i++)
        {
            names[i] = Marshal.PtrToStringUTF8((nint)NativeMethods.ModelTensorName(handle, i)) ?? "";
        }

        TensorNames = names;
    }

    /// <summary>The architecture, pool factors filled in.</summary>
    public UNetArchitecture Architecture { get; }

    /// <summary>Number of classes, or 1 for one class against the rest.</summary>
    public int OutChannels { get; }

    /// <summary>The card the file carried, as JSON; empty for a network made here or imported.</summary>
    public string CardJson { get; }

    /// <summary>Number of trainable numbers.</summary>
    public long ParameterCount { get; }

    /// <summary>Names of the tensors as in pytorch-3dunet, batch norm's buffers included.</summary>
    public IReadOnlyList<string> TensorNames { get; }

    internal ModelHandle Handle { get; }

    /// <summary>Fresh weights by PyTorch's default initialisation; the same seed gives the same weights.</summary>
    /// <exception cref="InputException">The architecture cannot be built.</exception>
    public static Network Create(UNetArchitecture a, int outChannels, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(a);
        NativeStatus.Check(NativeMethods.ModelCreate(a.ToNative(outChannels), seed, out var handle), Arguments.Users);
        return new Network(handle);
    }

    /// <summary>Reads a safetensors file written by <see cref="Save"/>.</summary>
    /// <exception cref="InputException">The file cannot be read or is not a network.</exception>
    public static Network Load(string path)
    {
        NativeStatus.Check(NativeMethods.ModelLoad(path, out var handle), Arguments.Users);
        return new Network(handle);
    }

    /// <summary>
    /// Reads a checkpoint of pytorch-3dunet. The architecture is found from the tensors; <paramref name="pool"/> gives the
    /// pooling factors (z, y, x) per level, which the file does not hold, and is 2 x 2 x 2 throughout when null. Nothing in
    /// the file is executed.
    /// </summary>
    /// <exception cref="InputException">The file cannot be read or is no such checkpoint, or the factors do not fit.</exception>
    public static Network Import(string path, IReadOnlyList<Int3>? pool)
    {
        var factors = Converting.ToNative(pool ?? []);
        NativeStatus.Check(NativeMethods.ModelImport(path, pool is null ? null : &factors, out var handle), Arguments.Users);
        var network = new Network(handle);
        if (pool is not null && pool.Count != network.Architecture.Levels - 1)
        {
            network.Dispose();
            throw new InputException(
                $"{path} has {network.Architecture.Levels} levels and needs {network.Architecture.Levels - 1} pool factors, "
                + $"but {pool.Count} were given");
        }

        return network;
    }

    /// <summary>
    /// Writes a safetensors file whole or not at all. The same weights and card give the same bytes.
    /// </summary>
    /// <exception cref="InputException">The file cannot be written.</exception>
    public void Save(string path, string? cardJson) =>
        NativeStatus.Check(NativeMethods.ModelSave(Handle, path, cardJson), Arguments.Users);

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();
}
