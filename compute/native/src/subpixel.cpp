// SPDX-License-Identifier: Apache-2.0
#include "subpixel.h"

#include <algorithm>

namespace teravox {

int64_t SubpixelAxis::parity(int64_t fine) const {
  if (upsample == TVX_UPSAMPLE_TRANSPOSED3) return factor == 1 ? 0 : std::max<int64_t>(fine - 1, 0) % 2;
  return fine % factor;
}

int64_t SubpixelAxis::place(int64_t fine) const {
  switch (upsample) {
    case TVX_UPSAMPLE_NEAREST:
      // The last parity looks past its own coarse voxel, the others at it and the one before.
      return factor == 1 ? fine : fine / factor + (fine % factor == factor - 1 ? 1 : 0);
    case TVX_UPSAMPLE_TRANSPOSED:
      return fine / factor;
    default:
      return factor == 1 ? fine : std::max<int64_t>(fine - 1, 0) / 2 + 1;
  }
}

Interval SubpixelAxis::places(Interval fine) const {
  Interval all = {place(fine.lo), place(fine.lo) + 1};
  for (int64_t i = fine.lo; i < fine.hi; ++i) all = hull(all, {place(i), place(i) + 1});
  return all;
}

SubpixelAxis subpixel_axis(int64_t factor, int32_t upsample) {
  SubpixelAxis axis;
  axis.factor = factor;
  axis.upsample = upsample;
  if (upsample == TVX_UPSAMPLE_TRANSPOSED) {
    axis.kernel = 1, axis.back = 0, axis.parities = factor;
    for (int64_t t = 0; t < factor; ++t) axis.taps.push_back({t, t, 0});
  } else if (factor == 1) {
    axis.kernel = 3, axis.back = 1, axis.parities = 1;
    // A transposed convolution runs its kernel backwards.
    bool backwards = upsample == TVX_UPSAMPLE_TRANSPOSED3;
    for (int64_t t = 0; t < 3; ++t) axis.taps.push_back({0, t, backwards ? 2 - t : t});
  } else if (upsample == TVX_UPSAMPLE_TRANSPOSED3) {
    axis.kernel = 2, axis.back = 1, axis.parities = 2;
    axis.taps = {{0, 1, 0}, {1, 2, 0}, {1, 0, 1}};
  } else {
    axis.kernel = 2, axis.back = 1, axis.parities = factor;
    for (int64_t parity = 0; parity < factor; ++parity) {
      for (int64_t t = 0; t < 3; ++t) {
        int64_t offset = (parity + t - 1 + factor) / factor - 1;  // floor((parity + t - 1) / factor)
        axis.taps.push_back({parity, t, offset + 1 - (parity == factor - 1 ? 1 : 0)});
      }
    }
  }
  return axis;
}

Subpixel make_subpixel(const at::Tensor &weight, const Triple &factors, int32_t upsample, int64_t padded_out) {
  Subpixel result;
  int64_t parities = 1;
  for (size_t a = 0; a < 3; ++a) {
    result.axis[a] = subpixel_axis(factors[a], upsample);
    parities *= result.axis[a].parities;
  }
  const auto &[az, ay, ax] = result.axis;
  at::Tensor plain = (upsample == TVX_UPSAMPLE_NEAREST ? weight : weight.transpose(0, 1)).to(at::kDouble);
  int64_t out = plain.size(0), in = plain.size(1);
  // Summed in double and rounded once.
  at::Tensor sums = at::zeros({parities, padded_out, in, az.kernel, ay.kernel, ax.kernel}, at::kDouble);
  for (const auto &z : az.taps) {
    for (const auto &y : ay.taps) {
      for (const auto &x : ax.taps) {
        int64_t parity = (z.parity * ay.parities + y.parity) * ax.parities + x.parity;
        sums[parity].narrow(0, 0, out).select(4, x.window).select(3, y.window).select(2, z.window) +=
            plain.select(4, x.tap).select(3, y.tap).select(2, z.tap);
      }
    }
  }
  result.weight = sums.reshape({parities * padded_out, in, az.kernel, ay.kernel, ax.kernel}).to(at::kFloat);
  return result;
}

}  // namespace teravox
