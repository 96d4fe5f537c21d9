// SPDX-License-Identifier: Apache-2.0
//
// What follows from an architecture alone: whether it is sound, its layers' channels, its tensors' names and shapes,
// its grid and its reach. All triples are in the order (z, y, x).
#pragma once

#include <c10/core/ScalarType.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "teravox.h"

namespace teravox {

using Triple = std::array<int64_t, 3>;

// Voxels lo..hi-1 along one axis.
struct Interval {
  int64_t lo = 0, hi = 0;
  int64_t size() const { return hi - lo; }
  bool operator==(const Interval &o) const { return lo == o.lo && hi == o.hi; }
};
inline Interval hull(Interval a, Interval b) {
  return {a.lo < b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi};
}

// The input voxels that an interval of output voxels is computed from, layer by layer, on an endless line. Both the
// reach and the tiles' partial decoders are found with these.
Interval conv3_input(Interval output);
Interval pool_input(Interval output, int64_t factor);
Interval upsample_input(Interval output, int64_t factor, int32_t upsample);

// Throws TVX_BAD_ARGUMENT with one sentence when a field is out of range or fields do not fit each other.
void validate(const tvx_arch &arch);

int64_t channels(const tvx_arch &arch, int level);           // feature maps of a level: f_maps * 2^level
Triple pool_factors(const tvx_arch &arch, int level);        // between level and level + 1
Triple grid_of(const tvx_arch &arch);                        // product of the pool factors
Triple reach_of(const tvx_arch &arch);                       // see tvx_arch_reach
int64_t groups_for(const tvx_arch &arch, int64_t channels);  // group norm's groups of a layer
bool same_arch(const tvx_arch &a, const tvx_arch &b);        // pools beyond the last level do not count

// Kernel of a decoder's transposed convolution that joins level + 1 to level.
Triple transposed_kernel(const tvx_arch &arch, int level);

// Channels of the two 3x3x3 convolutions of a DoubleConv, or of a residual block's 1x1x1 (in -> out; none where
// they agree) and its two 3x3x3 convolutions.
struct BlockChannels {
  int64_t in, middle, out;
};
BlockChannels encoder_channels(const tvx_arch &arch, int level);
BlockChannels decoder_channels(const tvx_arch &arch, int level);  // level = that of the output

// A tensor as it stands in a file.
struct TensorSpec {
  std::string name;
  std::vector<int64_t> shape;
  c10::ScalarType type;
  bool trainable;
};

// Every tensor of the network in the order of PyTorch's state_dict, keyed as in pytorch-3dunet.
std::vector<TensorSpec> tensor_specs(const tvx_arch &arch);

// The architecture as one line of JSON and back; from_json throws TVX_BAD_FORMAT.
std::string arch_to_json(const tvx_arch &arch);
tvx_arch arch_from_json(const std::string &text);

}  // namespace teravox
