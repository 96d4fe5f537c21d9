// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Contracts;
using TorchSharp;

namespace Teravox.Networks;

/// <summary>What networks can run on here.</summary>
public static class Devices
{
    /// <summary>Number of CUDA devices that can be used; 0 without CUDA.</summary>
    public static int CudaCount
    {
        get
        {
            _ = Libtorch.Folder;
            return torch.cuda.is_available() ? torch.cuda.device_count() : 0;
        }
    }

    /// <summary>One line: the versions of TorchSharp and libtorch, where libtorch lies, and how many CUDA devices it can use.</summary>
    public static string BuildInfo
    {
        get
        {
            // Libtorch comes first: TorchSharp looks for it as soon as it is asked for anything.
            var folder = Libtorch.Folder;
            return $"TorchSharp {typeof(torch).Assembly.GetName().Version?.ToString(3)}, libtorch {Libtorch.Version} of {folder}, {CudaCount} CUDA devices";
        }
    }

    /// <summary>
    /// "auto" or null: "cuda:0" where there is one, else "cpu". "cuda" is "cuda:0". Any other name must be that of a device
    /// that is here.
    /// </summary>
    /// <exception cref="InputException">No such device.</exception>
    public static string Choose(string? asked)
    {
        switch (asked)
        {
            case null or "" or "auto":
                return CudaCount > 0 ? "cuda:0" : "cpu";
            case "cpu":
                return asked;
            case "cuda":
                return Choose("cuda:0");
        }

        if (!asked.StartsWith("cuda:", StringComparison.Ordinal)
            || !int.TryParse(asked.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var index))
        {
            throw new InputException($"\"{asked}\" is no device; use auto, cpu or cuda:0");
        }

        return index < CudaCount
            ? asked
            : throw new InputException($"device {asked} is not here: {CudaCount} CUDA devices can be used; use auto or cpu");
    }
}
