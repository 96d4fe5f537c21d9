// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

namespace teravox {
namespace {

double work_of(const tvx_arch &arch, const BlockChannels &c, const Box &in, const Box &mid, const Box &out) {
  auto work = [](int64_t weights, const Box &box) {
    return static_cast<double>(weights) * static_cast<double>(box.voxels());
  };
  if (arch.residual == 0) return work(27 * c.in * c.middle, mid) + work(27 * c.middle * c.out, out);
  return (c.in != c.out ? work(c.in * c.out, in) : 0) + work(27 * c.out * c.out, mid) + work(27 * c.out * c.out, out);
}

template <typename Voxel>
void standardise_as(const tvx_tile &tile, const Box &box, float *out) {
  const Voxel *voxels = static_cast<const Voxel *>(tile.voxels);
  Triple shape = box.shape();
  const float mean = tile.mean, std = tile.std;
#pragma omp parallel for collapse(2) schedule(static)
  for (int64_t z = 0; z < shape[0]; ++z) {
    for (int64_t y = 0; y < shape[1]; ++y) {
      const Voxel *from = voxels + ((z + box[0].lo) * tile.shape[1] + (y + box[1].lo)) * tile.shape[2] + box[2].lo;
      float *to = out + (z * shape[1] + y) * shape[2];
      for (int64_t x = 0; x < shape[2]; ++x) to[x] = (static_cast<float>(from[x]) - mean) / std;
    }
  }
}

}  // namespace

double total_work(const tvx_arch &arch, const Plan &plan) {
  double total = static_cast<double>(channels(arch, 0) * arch.out_channels * plan.levels[0].decoder_out.voxels());
  for (int k = 0; k < arch.levels; ++k) {
    const LevelPlan &level = plan.levels[static_cast<size_t>(k)];
    total += work_of(arch, encoder_channels(arch, k), level.encoder_in, level.encoder_mid, level.encoder_out);
    if (k + 1 == arch.levels) break;
    total += work_of(arch, decoder_channels(arch, k), level.joined, level.decoder_mid, level.decoder_out);
  }
  return total;
}

void standardise(const tvx_tile &tile, const Box &box, float *out) {
  if (tile.voxel_type == TVX_UINT8) {
    standardise_as<uint8_t>(tile, box, out);
  } else {
    standardise_as<uint16_t>(tile, box, out);
  }
}

}  // namespace teravox
