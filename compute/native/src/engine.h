// SPDX-License-Identifier: Apache-2.0
//
// How a tile is computed. Two engines do the same arithmetic on the same plan: one by oneDNN's kernels on blocked
// layouts (the fast path on the CPU), one by libtorch's operators (CUDA, and CPUs or builds without oneDNN).
#pragma once

#include <c10/core/Device.h>

#include <memory>

#include "folded.h"
#include "guard.h"
#include "plan.h"

namespace teravox {

// Polls the caller's abort callback and tells progress, layer by layer.
class Pace {
 public:
  Pace(const tvx_callbacks *callbacks, double total) : callbacks_(callbacks), total_(total) {}
  // Says that `work` (in the unit of the total) is done. Throws TVX_ABORTED when the caller wants to stop.
  void step(double work) {
    done_ += work;
    report_progress(callbacks_, done_ < total_ ? done_ / total_ : 1.0);
    poll_abort(callbacks_);
  }

 private:
  const tvx_callbacks *callbacks_;
  double total_, done_ = 0;
};

// Multiplications of a convolution: what Pace counts.
inline double work_of(const at::Tensor &weight, const Box &output) {
  return static_cast<double>(weight.numel()) * static_cast<double>(output.voxels());
}
double total_work(const tvx_arch &arch, const Plan &plan);

class Engine {
 public:
  virtual ~Engine() = default;
  // Writes logits, float (out_channels, core z, y, x). The tile has been checked. Not for concurrent use.
  virtual void run(const tvx_tile &tile, const Plan &plan, Pace &pace, float *logits) = 0;
};

std::unique_ptr<Engine> make_torch_engine(const FoldedNet &net, c10::Device device);

// Null where the build or the processor has no fast kernels. The finest encoder works through the block in slabs of
// planes, whose features take about slab_bytes: over the whole block, halo and all, they would be by far the largest
// tensors of a tile, and nothing needs them at once.
std::unique_ptr<Engine> make_onednn_engine(const FoldedNet &net, int64_t slab_bytes = 48 << 20);

// Standardises the tile's voxels of a box, (voxel - mean) / std, into dense floats.
void standardise(const tvx_tile &tile, const Box &box, float *out);

}  // namespace teravox
