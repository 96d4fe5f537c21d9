// SPDX-License-Identifier: Apache-2.0
//
// Upsampling as a convolution on the coarse grid. Every fine voxel X sees, along an axis, a short window of coarse
// voxels with weights that depend only on X's place in its cell (its parity). One convolution with a filter for every
// parity computes all of them at the coarse places; spreading the results out gives the fine grid. For nearest
// upsampling the 3x3x3 convolution that follows is absorbed: with factor 2 it takes 8 multiplications a voxel and
// channel where the plain form takes 27, and no upsampled tensor is ever made.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "arch.h"

namespace teravox {

// One axis. The window of coarse place j is j - back .. j - back + kernel - 1.
struct SubpixelAxis {
  int64_t kernel, back, parities;
  // Fine tap `tap` of the original kernel adds to window position `window` of the filter for `parity`.
  struct Tap {
    int64_t parity, tap, window;
  };
  std::vector<Tap> taps;

  int64_t factor;
  int32_t upsample;
  int64_t parity(int64_t fine) const;
  int64_t place(int64_t fine) const;
  Interval places(Interval fine) const;  // all places of an interval of fine voxels
};

SubpixelAxis subpixel_axis(int64_t factor, int32_t upsample);

struct Subpixel {
  std::array<SubpixelAxis, 3> axis;
  at::Tensor weight;  // float (parities * out, in, kz, ky, kx), the parity (z, y, x) slowest
};

// weight: nearest: that of the following convolution (out, in, 3, 3, 3); otherwise the transposed convolution's
// (in, out, kz, ky, kx). `out` is padded with zero filters to `padded_out`.
Subpixel make_subpixel(const at::Tensor &weight, const Triple &factors, int32_t upsample, int64_t padded_out);

}  // namespace teravox
