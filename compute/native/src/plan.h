// SPDX-License-Identifier: Apache-2.0
//
// Which part of every layer's output a tile's core needs. Found by walking the network backwards from the core, so
// that neither the decoder nor the encoder computes a voxel that cannot reach the core.
#pragma once

#include <array>
#include <vector>

#include "arch.h"
#include "teravox.h"

namespace teravox {

// A box of voxels in a level's own coordinates, counted from the block's corner.
struct Box {
  std::array<Interval, 3> axis;

  Interval &operator[](int a) { return axis[static_cast<size_t>(a)]; }
  const Interval &operator[](int a) const { return axis[static_cast<size_t>(a)]; }
  Triple shape() const { return {axis[0].size(), axis[1].size(), axis[2].size()}; }
  int64_t voxels() const { return axis[0].size() * axis[1].size() * axis[2].size(); }
  bool operator==(const Box &o) const { return axis == o.axis; }
  bool operator!=(const Box &o) const { return !(*this == o); }
};

Box whole_box(const Triple &size);
Box hull(const Box &a, const Box &b);
Box grow(const Box &box, int64_t by, const Triple &size);  // clipped to 0..size: beyond it lie the network's own zeros

struct LevelPlan {
  Triple size;  // of the whole block at this level
  // Encoder: the block's input (pooled from the level above, or the tile), between its convolutions, its output.
  Box encoder_in, encoder_mid, encoder_out;
  // Decoder, not at the coarsest level: skip and upsampled features joined, between its convolutions, its output.
  Box joined, decoder_mid, decoder_out;
};

struct Plan {
  std::vector<LevelPlan> levels;  // 0 is the finest
  // What the decoder at `level` upsamples: the decoder's or the coarsest encoder's output one level down.
  const Box &below(int level) const {
    const LevelPlan &next = levels[static_cast<size_t>(level) + 1];
    return static_cast<size_t>(level) + 2 == levels.size() ? next.encoder_out : next.decoder_out;
  }
};

// The plan for a core in a block whose size is a multiple of the grid. Group norm takes its statistics over whole
// layers, so with it only what follows the last norm is cut down to the core.
Plan make_plan(const tvx_arch &arch, const Triple &block, const Box &core);

}  // namespace teravox
