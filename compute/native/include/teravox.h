/* SPDX-License-Identifier: Apache-2.0
 *
 * libteravox: the networks of Teravox behind a small C interface.
 *
 * Calls are coarse: a whole tile, a whole training step. No tensor crosses the boundary.
 *
 *     tvx_arch arch;
 *     tvx_arch_defaults(&arch);
 *     tvx_model *model = NULL;
 *     if (tvx_model_load("multiclass.safetensors", &model) != TVX_OK) { puts(tvx_last_error()); return 1; }
 *     tvx_session *session = NULL;
 *     tvx_session_create(model, "cpu", 2, &session);
 *     tvx_tile tile = { voxels, TVX_UINT8, {88, 176, 176}, {24, 56, 56}, {40, 64, 64}, mean, std };
 *     tvx_session_infer(session, &tile, probabilities, NULL);   // uint8, shape (classes, 40, 64, 64)
 *     tvx_session_free(session);
 *     tvx_model_free(model);
 *
 * Shapes and per-axis triples are always in the order (z, y, x); x varies fastest in memory.
 *
 * Threads: a model is immutable and may be shared by any number of threads and sessions. A session or a
 * trainer is used by one thread at a time. Every call may be made from any thread.
 *
 * Errors: every function that can fail returns a tvx_status. On anything but TVX_OK, tvx_last_error() gives
 * one line of text for the calling thread, valid until that thread's next failing call; the library owns it.
 * Nothing thrown inside the library crosses this boundary. Output parameters are written on success only.
 */
#ifndef TERAVOX_H
#define TERAVOX_H

#include <stdint.h>

#if defined(_WIN32)
#define TVX_API __declspec(dllexport)
#else
#define TVX_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Raised whenever a struct, a value or a signature below changes its meaning. */
#define TVX_ABI_VERSION 1

/* ---- status ------------------------------------------------------------------------------------------ */

/* Ranges leave room: 1xx the caller's arguments, 2xx files, 3xx resources, 4xx stopped, 9xx a defect here. */
typedef int32_t tvx_status;
enum {
  TVX_OK = 0,
  TVX_BAD_ARGUMENT = 100, /* a null pointer, a number out of range */
  TVX_BAD_SHAPE = 101,    /* shapes that do not fit each other or the network */
  TVX_IO = 200,           /* a file cannot be opened, read, written, renamed */
  TVX_BAD_FORMAT = 201,   /* a file is not what its name says: truncated, foreign, damaged */
  TVX_MISMATCH = 202,     /* a well-formed file that does not fit: other tensors, other architecture */
  TVX_NO_MEMORY = 300,
  TVX_NO_DEVICE = 301, /* the device name is unknown or the device is absent */
  TVX_ABORTED = 400,   /* the abort callback asked to stop; never reported for anything else */
  TVX_INTERNAL = 900
};

/* The text for the calling thread's last failure, or "" if there was none. Never NULL. */
TVX_API const char *tvx_last_error(void);

/* TVX_ABI_VERSION of the library that is loaded. */
TVX_API int32_t tvx_abi_version(void);

/* One line: the library's version, libtorch's version, whether CUDA is built in. Static storage. */
TVX_API const char *tvx_build_info(void);

/* Number of CUDA devices that can be used, 0 without CUDA. */
TVX_API int32_t tvx_cuda_device_count(void);

/* ---- callbacks --------------------------------------------------------------------------------------- */

/* Polled between layers; a non-zero return stops the call with TVX_ABORTED. */
typedef int32_t (*tvx_abort_fn)(void *user);
/* Told how far a call is, 0..1. */
typedef void (*tvx_progress_fn)(double fraction, void *user);

/* Either pointer may be NULL; the whole struct may be passed as NULL. */
typedef struct tvx_callbacks {
  tvx_abort_fn abort;
  tvx_progress_fn progress;
  void *user;
} tvx_callbacks;

/* ---- architecture ------------------------------------------------------------------------------------ */

#define TVX_MAX_LEVELS 8

enum { TVX_ORDER_CBR = 0, TVX_ORDER_GCR = 1 };
enum {
  TVX_UPSAMPLE_NEAREST = 0,
  TVX_UPSAMPLE_TRANSPOSED = 1, /* kernel = stride = pool factor, no bias (2x2x2 when the pool is 2) */
  TVX_UPSAMPLE_TRANSPOSED3 = 2 /* kernel 3, stride = pool factor, padding 1, output size that of the skip,
                                  no bias: the form in pytorch-3dunet checkpoints */
};

/* A 3D U-Net as pytorch-3dunet builds it. */
typedef struct tvx_arch {
  int32_t in_channels;  /* 1 */
  int32_t out_channels; /* number of classes, or 1 for one class against the rest */
  int32_t levels;       /* 2..TVX_MAX_LEVELS, default 4 */
  int32_t f_maps;       /* feature maps at the finest level, default 32; level k has f_maps * 2^k */
  int32_t order;        /* TVX_ORDER_*, default cbr */
  int32_t num_groups;   /* for group norm, default 8; 1 group where a layer has fewer channels */
  int32_t upsample;     /* TVX_UPSAMPLE_*, default nearest (transposed3 is usual for residual) */
  int32_t residual;     /* 0: DoubleConv and concatenated skips; 1: ResNetBlock and summed skips */
  /* pool[k] = pooling factors (z, y, x) between level k and k + 1, each 1..4; default 2,2,2. Entries from
   * levels - 1 on are ignored. */
  int32_t pool[TVX_MAX_LEVELS - 1][3];
} tvx_arch;

TVX_API void tvx_arch_defaults(tvx_arch *arch);

/* reach: how many voxels to each side of an output voxel, per axis, can change it (9/23/51/107 for 2/3/4/5
 * levels with pool 2 and nearest upsampling), computed from the layers. With group norm this is the reach of
 * the convolutions only: its statistics cover the whole tile, so no halo is exact.
 * grid: the product of the pool factors; tile origins, halos and tile sizes are multiples of it. */
TVX_API tvx_status tvx_arch_reach(const tvx_arch *arch, int32_t reach[3], int32_t grid[3]);

/* ---- model: weights, immutable ----------------------------------------------------------------------- */

typedef struct tvx_model tvx_model;

/* Fresh weights (PyTorch's default initialisation) from a seed: the same seed gives the same weights. */
TVX_API tvx_status tvx_model_create(const tvx_arch *arch, uint64_t seed, tvx_model **model);

/* Reads a safetensors file written by tvx_model_save. */
TVX_API tvx_status tvx_model_load(const char *path, tvx_model **model);

/* Reads a checkpoint of pytorch-3dunet (torch.save's zip format). The architecture is found from the tensors'
 * names and shapes; pool (may be NULL = 2,2,2) gives the pooling factors, which the file does not hold. Only
 * plain containers, numbers, strings and tensors are unpickled; nothing in the file is executed. */
TVX_API tvx_status tvx_model_import(const char *path, const int32_t (*pool)[3], tvx_model **model);

/* Writes safetensors: tensors keyed as in pytorch-3dunet, and in the header's "__metadata__" the key
 * "teravox.arch" (written by the library) and "teravox.card" = card_json (may be NULL). Written to a temporary
 * file in the same directory, flushed, renamed: a crash leaves the old file or the new one. The same weights
 * and card give the same bytes. */
TVX_API tvx_status tvx_model_save(const tvx_model *model, const char *path, const char *card_json);

TVX_API void tvx_model_free(tvx_model *model); /* NULL is fine, here and in every _free */

TVX_API tvx_status tvx_model_arch(const tvx_model *model, tvx_arch *arch);
/* The card the file carried, or "" for a model made here or imported. Owned by the model. */
TVX_API const char *tvx_model_card(const tvx_model *model);
TVX_API int64_t tvx_model_parameter_count(const tvx_model *model);                /* trainable numbers */
TVX_API int32_t tvx_model_tensor_count(const tvx_model *model);                   /* with batch norm's buffers */
TVX_API const char *tvx_model_tensor_name(const tvx_model *model, int32_t index); /* NULL out of range */

/* ---- inference --------------------------------------------------------------------------------------- */

enum { TVX_UINT8 = 0, TVX_UINT16 = 1 };

/* A core box and the block of voxels around it that the network reads. */
typedef struct tvx_tile {
  const void *voxels;    /* uint8 or uint16 (native byte order), shape `shape`, borrowed for the call */
  int32_t voxel_type;    /* TVX_UINT8 or TVX_UINT16 */
  int64_t shape[3];      /* of the block, halo included; multiples of the grid */
  int64_t core_start[3]; /* of the core inside the block */
  int64_t core_shape[3];
  float mean; /* of the whole volume, never of the tile: input = (voxel - mean) / std */
  float std;  /* above 0 */
} tvx_tile;

/* One device's run state. */
typedef struct tvx_session tvx_session;

/* device: "cpu", "cuda:0", ...; threads: for this session's calls on the CPU, 1 or more. Keeps what it needs
 * of the model; the model may be freed before the session. */
TVX_API tvx_status tvx_session_create(const tvx_model *model, const char *device, int32_t threads,
                                      tvx_session **session);
TVX_API void tvx_session_free(tvx_session *session);

/* probabilities: uint8, shape (out_channels, core z, y, x): round(255 * sigmoid(logit)). Only the part of the
 * decoder that the core needs is computed. */
TVX_API tvx_status tvx_session_infer(tvx_session *session, const tvx_tile *tile, uint8_t *probabilities,
                                     const tvx_callbacks *callbacks);

/* The same before sigmoid and quantisation: float32, the same shape. For comparisons. */
TVX_API tvx_status tvx_session_logits(tvx_session *session, const tvx_tile *tile, float *logits,
                                      const tvx_callbacks *callbacks);

/* ---- augmentation ------------------------------------------------------------------------------------ */

/* Each is drawn for itself with its probability; 0 turns it off. Applied in the order of the fields. The
 * geometric ones are composed and the image is interpolated once (trilinear), labels by nearest neighbour. */
typedef struct tvx_augment_options {
  double spacing[3];           /* voxel size (z, y, x), any unit: rotations turn in real space; default 1,1,1 */
  double flip_probability[3];  /* per axis, default .5 each */
  double rotation_probability; /* default .5 */
  double rotation_degrees[3];  /* largest angle about the z, y, x axis, uniform in +-; default 180, 0, 0 */
  double scaling_probability;  /* default .3 */
  double scaling_range[2];     /* object size factor, uniform, one factor for all axes; default .85, 1.2 */
  double elastic_probability;  /* default .2 */
  double elastic_amplitude;    /* standard deviation of the displacement in x voxels; default 3 */
  double elastic_spacing;      /* distance of the control points in x voxels (cubic B-spline); default 24 */
  double contrast_probability; /* default .3 */
  double contrast_range[2];    /* factor about the patch mean, uniform; default .7, 1.4 */
  double noise_probability;    /* default .3 */
  double noise_range[2];       /* std of additive Gaussian noise, in standard deviations of the volume; default 0, .2 */
  double blur_probability;     /* default .2 */
  double blur_range[2];        /* Gaussian sigma in x voxels; default .3, 1.2 */
  double sharpen_probability;  /* default .2 */
  double sharpen_range[2];     /* unsharp-mask strength; default .3, 1.5 */
} tvx_augment_options;

TVX_API void tvx_augment_defaults(tvx_augment_options *options);

/* The block that has to be read so that a patch of `patch` voxels can be cut out of it under any draw of these
 * options; the patch sits in its middle. Per axis it is `patch` plus an even number. */
TVX_API tvx_status tvx_augment_source_shape(const tvx_augment_options *options, const int64_t patch[3],
                                            int64_t source[3]);

/* A block of a labelled volume, borrowed for the call. */
typedef struct tvx_block {
  const void *voxels;    /* uint8 or uint16 */
  const uint8_t *labels; /* class ids, 255 = ignored; may be NULL for previews */
  int32_t voxel_type;
  int64_t shape[3]; /* tvx_augment_source_shape of the patch */
  float mean;       /* of the whole volume */
  float std;
} tvx_block;

/* One draw: a pure function of (options, seed, index, block). raw: float32 standardised, labels: uint8, both of
 * shape `patch`; either may be NULL. */
TVX_API tvx_status tvx_augment(const tvx_augment_options *options, uint64_t seed, uint64_t index,
                               const tvx_block *block, const int64_t patch[3], float *raw, uint8_t *labels);

/* ---- training ---------------------------------------------------------------------------------------- */

#define TVX_MULTICLASS (-1)

typedef struct tvx_train_options {
  double learning_rate; /* default 4e-4 */
  double beta1, beta2;  /* Adam, default .9, .999 */
  double epsilon;       /* default 1e-8 */
  double weight_decay;  /* default 0 */
  uint64_t seed;        /* default 0 */
  int32_t target_class; /* TVX_MULTICLASS, or the class that a one-output network learns against the rest */
  int64_t patch[3];     /* multiples of the architecture's grid; default 32, 64, 64 */
  tvx_augment_options augment;
} tvx_train_options;

TVX_API void tvx_train_defaults(tvx_train_options *options);

typedef struct tvx_trainer tvx_trainer;

/* Starts from the model's weights (copied) at iteration 0. */
TVX_API tvx_status tvx_trainer_create(const tvx_model *model, const tvx_train_options *options, const char *device,
                                      int32_t threads, tvx_trainer **trainer);

/* One iteration on `count` blocks (the batch; 1 as a rule), each augmented by draw iteration * count + k:
 * forward, MultiLabelSoftMarginLoss (mean over classes and labelled voxels of binary cross-entropy with logits
 * on one-hot targets; label 255 weighs nothing), backward, Adam. A step without any labelled voxel has loss 0
 * and leaves weights and optimiser as they are, and counts as an iteration. When aborted, nothing has changed. */
TVX_API tvx_status tvx_trainer_step(tvx_trainer *trainer, const tvx_block *blocks, int32_t count, double *loss,
                                    const tvx_callbacks *callbacks);

TVX_API int64_t tvx_trainer_iteration(const tvx_trainer *trainer); /* completed iterations */

/* A checkpoint holds weights, optimiser, iteration (from which sampler and augmentation draw) and options: a
 * trainer loaded from it goes on exactly as the unbroken one would. Written as tvx_model_save writes. */
TVX_API tvx_status tvx_trainer_save(const tvx_trainer *trainer, const char *path);
TVX_API tvx_status tvx_trainer_load(const char *path, const char *device, int32_t threads, tvx_trainer **trainer);

/* The options the trainer works with. */
TVX_API tvx_status tvx_trainer_options(const tvx_trainer *trainer, tvx_train_options *options);

/* The weights as they are now, as a model of its own. */
TVX_API tvx_status tvx_trainer_model(const tvx_trainer *trainer, tvx_model **model);

TVX_API void tvx_trainer_free(tvx_trainer *trainer);

/* ---- resampling --------------------------------------------------------------------------------------- */

enum { TVX_REDUCE_BICUBIC = 0, TVX_REDUCE_GAUSSIAN = 1, TVX_REDUCE_KERNEL = 2 };

/* How a low-resolution image is made of one with f times as many pixels along an axis.
 * bicubic: Keys' cubic (a = -1/2) widened by f against aliasing; the edge pixels are repeated by the mirror.
 * gaussian: as scikit-image's rescale(anti_aliasing=True): sigma (f - 1) / 2, then linear interpolation; the mirror
 * is at the edge pixels' centres.
 * kernel: convolved with the image (a single bright pixel becomes the kernel as it is written), mirrored as for
 * bicubic; then read at the output's centres, by Keys' cubic where these lie between pixels, as with an even f. */
typedef struct tvx_reduction {
  int32_t kind;            /* TVX_REDUCE_* */
  int32_t kernel_shape[2]; /* (y, x), odd, 129 at most; the kernel's fields are read for TVX_REDUCE_KERNEL only */
  const double *kernel;    /* rows; their sum is 1 (within .001, and is made exact) */
} tvx_reduction;

/* Grey images of any scale, shape (y, x). Both images cover the same extent: f is the ratio of their sizes, per axis,
 * at least 1 and at most 64; an axis of equal sizes is left alone. Nothing is clipped: a cubic overshoots at edges. */
TVX_API tvx_status tvx_resample_reduce(const tvx_reduction *reduction, const float *image, const int64_t shape[2],
                                       const int64_t out_shape[2], float *out);

/* By Keys' cubic, the edge pixels repeated by the mirror. */
TVX_API tvx_status tvx_resample_enlarge(const float *image, const int64_t shape[2], const int64_t out_shape[2],
                                        float *out);

/* ---- zero-shot super-resolution ----------------------------------------------------------------------- */

/* ZSSR (Shocher, Cohen, Irani, arXiv 1712.06087): a small network learns from one image how its own reductions are
 * undone, and then enlarges the image. Eight 3x3 convolutions, 64 channels, on the bicubic enlargement; L1, Adam. */
typedef struct tvx_zssr_options {
  double scale[2]; /* (y, x), 1.2..4 each, or 1 for one of them; default 2, 2 */
  double noise;    /* standard deviation added to the sons, in the image's grey levels, for real captures; default 0 */
  double learning_rate;     /* default 1e-3; divided by 10 when the reconstruction error no longer falls clearly */
  double min_learning_rate; /* the run ends below it; default 9e-6 */
  int32_t max_iterations;   /* of every step; default 3000. By the learning-rate rule a step makes 900 at least */
  int32_t crop;             /* side of the training crops, 16..1024, default 128; the image's size where that is less */
  int32_t back_projections; /* default 10, applied to every output and to their median */
  int32_t ensemble;         /* 1 (default): the median of 8 turned and mirrored outputs, of 4 where the scales differ */
  int32_t gradual;          /* 1: over [1,1.5] [1.5,1] [1.5,1.5] [1.5,2] [2,1.5] (for 2, 2) to the scale; default 0 */
} tvx_zssr_options;

TVX_API void tvx_zssr_defaults(tvx_zssr_options *options);

/* Of a run in progress or ended. Errors: how the image differs from what is made of its own reduction, root mean square
 * in grey levels. */
typedef struct tvx_zssr_state {
  int64_t iterations;   /* made so far, of all steps */
  double learning_rate; /* now */
  double bicubic_error; /* by plain bicubic */
  double error;         /* by the network, when last measured */
  int32_t step;         /* from 1; 0 where there was nothing to learn: all pixels are equal */
  int32_t steps;        /* more than 1 when gradual */
  int32_t fell_back;    /* 1: the network was no better than bicubic, which was taken in its place */
} tvx_zssr_state;

/* Used by one thread at a time. */
typedef struct tvx_zssr tvx_zssr;

/* reduction: how the image came from the one that is wanted; the network learns to undo that and no other. */
TVX_API tvx_status tvx_zssr_create(const tvx_zssr_options *options, const tvx_reduction *reduction, const char *device,
                                   int32_t threads, tvx_zssr **zssr);

/* ceil(size * scale) per axis: the shape to ask for where the one that the image came from is not known. */
TVX_API tvx_status tvx_zssr_shape(const tvx_zssr *zssr, const int64_t shape[2], int64_t enlarged[2]);

/* pixels: a grey image of any shape (y, x), TVX_UINT8 or TVX_UINT16; enlarged: of the same type and of enlarged_shape
 * (y, x), which may differ from tvx_zssr_shape's by what rounding to shape lost: both images cover the same extent, so
 * an image that was reduced comes back to the pixels it had. warm: not 0 starts from what the last run learnt (at a
 * tenth of the learning rate), if there is one that ended well. On the CPU the same image, options, seed and threads,
 * without warm, give the same bytes. Needs about 50 bytes of memory per pixel of the result. Aborts are polled between
 * iterations and tiles. */
TVX_API tvx_status tvx_zssr_run(tvx_zssr *zssr, const void *pixels, int32_t voxel_type, const int64_t shape[2],
                                const int64_t enlarged_shape[2], uint64_t seed, int32_t warm, void *enlarged,
                                const tvx_callbacks *callbacks);

/* May also be called from the progress callback. */
TVX_API tvx_status tvx_zssr_get_state(const tvx_zssr *zssr, tvx_zssr_state *state);

TVX_API void tvx_zssr_free(tvx_zssr *zssr);

#ifdef __cplusplus
}
#endif

#endif
