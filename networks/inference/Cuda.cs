// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Teravox.Contracts;
using static TorchSharp.torch;

namespace Teravox.Networks;

/// <summary>
/// The calls of CUDA's runtime that TorchSharp has not: streams, events, copies that do not wait, memory that the system cannot move.
/// They are those of the library that libtorch itself uses. A call that fails throws.
/// </summary>
internal sealed unsafe partial class Cuda
{
    public const int ToDevice = 1, ToHost = 2;
    private const uint NonBlocking = 1, WaitsWithoutSpinning = 1, WithoutTiming = 2;
    private static readonly Lazy<nint> Library = new(FindLibrary);

    private readonly delegate* unmanaged<int, int> _setDevice = (delegate* unmanaged<int, int>)Find("cudaSetDevice");
    private readonly delegate* unmanaged<nint*, uint, int> _streamCreate = (delegate* unmanaged<nint*, uint, int>)Find("cudaStreamCreateWithFlags");
    private readonly delegate* unmanaged<nint, int> _streamDestroy = (delegate* unmanaged<nint, int>)Find("cudaStreamDestroy");
    private readonly delegate* unmanaged<nint*, uint, int> _eventCreate = (delegate* unmanaged<nint*, uint, int>)Find("cudaEventCreateWithFlags");
    private readonly delegate* unmanaged<nint, int> _eventDestroy = (delegate* unmanaged<nint, int>)Find("cudaEventDestroy");
    private readonly delegate* unmanaged<nint, nint, int> _eventRecord = (delegate* unmanaged<nint, nint, int>)Find("cudaEventRecord");
    private readonly delegate* unmanaged<nint, int> _eventSynchronize = (delegate* unmanaged<nint, int>)Find("cudaEventSynchronize");
    private readonly delegate* unmanaged<nint, nint, uint, int> _streamWait = (delegate* unmanaged<nint, nint, uint, int>)Find("cudaStreamWaitEvent");
    private readonly delegate* unmanaged<nint, nint, nuint, int, nint, int> _copy = (delegate* unmanaged<nint, nint, nuint, int, nint, int>)Find("cudaMemcpyAsync");
    private readonly delegate* unmanaged<nint*, nuint, uint, int> _hostAlloc = (delegate* unmanaged<nint*, nuint, uint, int>)Find("cudaHostAlloc");
    private readonly delegate* unmanaged<nint, int> _freeHost = (delegate* unmanaged<nint, int>)Find("cudaFreeHost");
    private readonly delegate* unmanaged<int, nint> _errorString = (delegate* unmanaged<int, nint>)Find("cudaGetErrorString");

    public Cuda(int index)
    {
        Index = index;
        Use();
    }

    /// <summary>The device's number.</summary>
    public int Index { get; }

    /// <summary>Where a tensor's values lie.</summary>
    public static nint AddressOf(Tensor tensor) => DataOf(tensor.Handle);

    /// <summary>Has the calls of this thread go to the device.</summary>
    public void Use() => Check(_setDevice(Index));

    public nint NewStream()
    {
        nint stream;
        Check(_streamCreate(&stream, NonBlocking));
        return stream;
    }

    public void FreeStream(nint stream) => Check(_streamDestroy(stream));

    /// <summary>A mark in a stream; one that was never recorded counts as reached.</summary>
    public nint NewEvent()
    {
        nint mark;
        Check(_eventCreate(&mark, WaitsWithoutSpinning | WithoutTiming));
        return mark;
    }

    public void FreeEvent(nint mark) => Check(_eventDestroy(mark));

    /// <summary>Sets a mark behind what a stream has been given so far.</summary>
    public void Record(nint mark, nint stream) => Check(_eventRecord(mark, stream));

    /// <summary>Has a stream wait for a mark.</summary>
    public void Wait(nint stream, nint mark) => Check(_streamWait(stream, mark, 0));

    /// <summary>Has this thread wait for a mark.</summary>
    public void Synchronize(nint mark) => Check(_eventSynchronize(mark));

    public void Copy(nint to, nint from, long bytes, int direction, nint stream) => Check(_copy(to, from, (nuint)bytes, direction, stream));

    public nint NewPinned(long bytes)
    {
        nint address;
        Check(_hostAlloc(&address, (nuint)bytes, 0));
        return address;
    }

    public void FreePinned(nint address) => Check(_freeHost(address));

    private static nint Find(string name) => NativeLibrary.GetExport(Library.Value, name);

    // A library's handle finds what the libraries below it have, too. Where libtorch was built with the runtime inside, that of the same version
    // beside it serves: both share the device's one context.
    private static nint FindLibrary()
    {
        if (NativeLibrary.TryGetExport(Libtorch.CudaLibrary, "cudaSetDevice", out _))
            return Libtorch.CudaLibrary;
        string[] folders = [Libtorch.Folder, .. ((string[])["cuda_runtime", "cu13"]).Select(part => Path.Combine(Libtorch.Folder, "..", "..", "nvidia", part, "lib"))];
        var files = folders.Where(Directory.Exists).SelectMany(folder => Directory.GetFiles(folder, "libcudart*.so*")).Concat(["libcudart.so.13", "libcudart.so.12"]);
        foreach (var file in files)
        {
            if (NativeLibrary.TryLoad(file, out var library) && NativeLibrary.TryGetExport(library, "cudaSetDevice", out _))
                return library;
        }

        throw new InputException($"CUDA's runtime (libcudart) is not found beside {Libtorch.Folder}; install the one that this PyTorch was built for");
    }

    [LibraryImport("LibTorchSharp", EntryPoint = "THSTensor_data")]
    private static partial nint DataOf(nint tensor);

    private void Check(int error)
    {
        if (error != 0)
            throw new InvalidOperationException($"cuda:{Index}: {Marshal.PtrToStringUTF8(_errorString(error))} (error {error} of CUDA's runtime)");
    }
}
