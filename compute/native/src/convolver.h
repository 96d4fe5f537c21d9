// SPDX-License-Identifier: Apache-2.0
//
// oneDNN's convolutions, with their compiled kernels and reordered weights kept between tiles.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <tuple>
#include <vector>

#include "buffers.h"
#include "plan.h"

namespace teravox {

// A convolution's weights, padded to whole channel blocks, in the layouts that its kernels asked for so far.
struct Filter {
  int64_t in, out;  // channels as oneDNN sees them: whole blocks, or 1 for a plain input
  Triple kernel;
  dnnl::memory plain;
  dnnl::memory bias;
  mutable std::vector<dnnl::memory> reordered;
};

// Not for concurrent use. Kernels are made for the number of threads in force at the first run of a shape.
class Convolver {
 public:
  explicit Convolver(int block);

  // Channels in a block of the layout that this processor's kernels want: 16, 8, or 0 where oneDNN has none.
  static int best_block();

  // weight: float (out, in, kz, ky, kx); bias: float (out) or undefined. A plain input is the volume itself: one
  // channel without padding.
  std::unique_ptr<Filter> prepare(const at::Tensor &weight, const at::Tensor &bias, bool plain_input = false);

  // Forgets kernels when there are too many.
  void begin_tile();

  // Stride 1. The output voxel X takes the input voxels X - back .. X - back + kernel - 1; what lies outside the
  // input's box is zero, so the box must hold all that is wanted of it, and nothing else. back counts only on axes
  // with a kernel above 1. Applies out = relu(conv + bias + (add ? out : 0)).
  void run(const Filter &filter, const float *input, const Box &in, float *output, const Box &out, const Triple &back,
           bool relu, bool add, Buffers &buffers);

 private:
  struct Kernel {
    dnnl::convolution_forward primitive;
    dnnl::memory::desc source, target, scratch;
    size_t weights;  // index into Filter::reordered
  };
  using Key = std::tuple<const Filter *, Triple, Triple, Triple, Triple, bool, bool, int>;

  const Kernel &kernel_for(const Filter &filter, const Triple &in, const Triple &out, const Triple &before,
                           const Triple &after, bool relu, bool add);

  int block_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  std::map<Key, Kernel> kernels_;
};

}  // namespace teravox
