// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;

namespace Teravox.Compute.Interop;

/// <summary>The functions of teravox.h, one for one. A test compares this file with the header.</summary>
internal static unsafe partial class NativeMethods
{
    public const string Library = "teravox";

    static NativeMethods() => NativeLoader.Install();

    [LibraryImport(Library, EntryPoint = "tvx_last_error")]
    public static partial byte* LastError();

    [LibraryImport(Library, EntryPoint = "tvx_abi_version")]
    public static partial int AbiVersion();

    [LibraryImport(Library, EntryPoint = "tvx_build_info")]
    public static partial byte* BuildInfo();

    [LibraryImport(Library, EntryPoint = "tvx_cuda_device_count")]
    public static partial int CudaDeviceCount();

    [LibraryImport(Library, EntryPoint = "tvx_arch_defaults")]
    public static partial void ArchDefaults(out TvxArch arch);

    [LibraryImport(Library, EntryPoint = "tvx_arch_reach")]
    public static partial int ArchReach(in TvxArch arch, out Int32x3 reach, out Int32x3 grid);

    [LibraryImport(Library, EntryPoint = "tvx_model_create")]
    public static partial int ModelCreate(in TvxArch arch, ulong seed, out ModelHandle model);

    [LibraryImport(Library, EntryPoint = "tvx_model_load", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ModelLoad(string path, out ModelHandle model);

    [LibraryImport(Library, EntryPoint = "tvx_model_import", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ModelImport(string path, PoolFactors* pool, out ModelHandle model);

    [LibraryImport(Library, EntryPoint = "tvx_model_save", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ModelSave(ModelHandle model, string path, string? cardJson);

    [LibraryImport(Library, EntryPoint = "tvx_model_free")]
    public static partial void ModelFree(nint model);

    [LibraryImport(Library, EntryPoint = "tvx_model_arch")]
    public static partial int ModelArch(ModelHandle model, out TvxArch arch);

    [LibraryImport(Library, EntryPoint = "tvx_model_card")]
    public static partial byte* ModelCard(ModelHandle model);

    [LibraryImport(Library, EntryPoint = "tvx_model_parameter_count")]
    public static partial long ModelParameterCount(ModelHandle model);

    [LibraryImport(Library, EntryPoint = "tvx_model_tensor_count")]
    public static partial int ModelTensorCount(ModelHandle model);

    [LibraryImport(Library, EntryPoint = "tvx_model_tensor_name")]
    public static partial byte* ModelTensorName(ModelHandle model, int index);

    [LibraryImport(Library, EntryPoint = "tvx_session_create", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SessionCreate(ModelHandle model, string device, int threads, out SessionHandle session);

    [LibraryImport(Library, EntryPoint = "tvx_session_free")]
    public static partial void SessionFree(nint session);

    [LibraryImport(Library, EntryPoint = "tvx_session_infer")]
    public static partial int SessionInfer(SessionHandle session, in TvxTile tile, byte* probabilities, TvxCallbacks* callbacks);

    [LibraryImport(Library, EntryPoint = "tvx_session_logits")]
    public static partial int SessionLogits(SessionHandle session, in TvxTile tile, float* logits, TvxCallbacks* callbacks);

    [LibraryImport(Library, EntryPoint = "tvx_augment_defaults")]
    public static partial void AugmentDefaults(out TvxAugmentOptions options);

    [LibraryImport(Library, EntryPoint = "tvx_augment_source_shape")]
    public static partial int AugmentSourceShape(in TvxAugmentOptions options, in Int64x3 patch, out Int64x3 source);

    [LibraryImport(Library, EntryPoint = "tvx_augment")]
    public static partial int Augment(
        in TvxAugmentOptions options, ulong seed, ulong index, in TvxBlock block, in Int64x3 patch, float* raw, byte* labels);

    [LibraryImport(Library, EntryPoint = "tvx_train_defaults")]
    public static partial void TrainDefaults(out TvxTrainOptions options);

    [LibraryImport(Library, EntryPoint = "tvx_trainer_create", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int TrainerCreate(
        ModelHandle model, in TvxTrainOptions options, string device, int threads, out TrainerHandle trainer);

    [LibraryImport(Library, EntryPoint = "tvx_trainer_step")]
    public static partial int TrainerStep(
        TrainerHandle trainer, TvxBlock* blocks, int count, out double loss, TvxCallbacks* callbacks);

    [LibraryImport(Library, EntryPoint = "tvx_trainer_iteration")]
    public static partial long TrainerIteration(TrainerHandle trainer);

    [LibraryImport(Library, EntryPoint = "tvx_trainer_save", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int TrainerSave(TrainerHandle trainer, string path);

    [LibraryImport(Library, EntryPoint = "tvx_trainer_load", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int TrainerLoad(string path, string device, int threads, out TrainerHandle trainer);

    [LibraryImport(Library, EntryPoint = "tvx_trainer_options")]
    public static partial int TrainerOptions(TrainerHandle trainer, out TvxTrainOptions options);

    [LibraryImport(Library, EntryPoint = "tvx_trainer_model")]
    public static partial int TrainerModel(TrainerHandle trainer, out ModelHandle model);

    [LibraryImport(Library, EntryPoint = "tvx_trainer_free")]
    public static partial void TrainerFree(nint trainer);

    [LibraryImport(Library, EntryPoint = "tvx_resample_reduce")]
    public static partial int ResampleReduce(
        in TvxReduction reduction, float* image, in Int64x2 shape, in Int64x2 outShape, float* result);

    [LibraryImport(Library, EntryPoint = "tvx_resample_enlarge")]
    public static partial int ResampleEnlarge(float* image, in Int64x2 shape, in Int64x2 outShape, float* result);

    [LibraryImport(Library, EntryPoint = "tvx_zssr_defaults")]
    public static partial void ZssrDefaults(out TvxZssrOptions options);

    [LibraryImport(Library, EntryPoint = "tvx_zssr_create", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ZssrCreate(
        in TvxZssrOptions options, in TvxReduction reduction, string device, int threads, out ZssrHandle zssr);

    [LibraryImport(Library, EntryPoint = "tvx_zssr_shape")]
    public static partial int ZssrShape(ZssrHandle zssr, in Int64x2 shape, out Int64x2 enlarged);

    [LibraryImport(Library, EntryPoint = "tvx_zssr_run")]
    public static partial int ZssrRun(
        ZssrHandle zssr, void* pixels, int voxelType, in Int64x2 shape, in Int64x2 enlargedShape, ulong seed, int warm, void* enlarged, TvxCallbacks* callbacks);

    [LibraryImport(Library, EntryPoint = "tvx_zssr_get_state")]
    public static partial int ZssrGetState(ZssrHandle zssr, out TvxZssrState state);

    [LibraryImport(Library, EntryPoint = "tvx_zssr_free")]
    public static partial void ZssrFree(nint zssr);
}
