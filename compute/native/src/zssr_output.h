// SPDX-License-Identifier: Apache-2.0
//
// What ZSSR does with a trained network: back-projection and the geometric self-ensemble.
#pragma once

#include <functional>

#include "plane.h"
#include "resample.h"
#include "zssr_net.h"

namespace teravox {

// Turn `index` (0..7) of the square: bit 0 mirrors the rows' order, bit 1 the columns', bit 2 then swaps the axes.
Plane turned(const Plane &image, int index);
Plane turned_back(const Plane &image, int index);

// A reduction and its way back, between one large and one small shape.
struct ScalePair {
  Resampling down, up;

  // From (y, x) pixels to those of the small image, by the reduction, and back by bicubic.
  ScalePair(const Reduction &reduction, const Shape2 &large, const Shape2 &small)
      : down(Resampling::reduce(reduction, large, small)), up(Resampling::enlarge(small, large)) {}
};

Plane resampled(const Resampling &plan, const Plane &image);

// Irani and Peleg 1991: `times` times, what the reduced image lacks of the low-resolution one is enlarged and added;
// clipped to 0..top. `between` is called before each.
void back_project(const ScalePair &scales, const Plane &low, float top, int32_t times, Plane *high,
                  const std::function<void()> &between);

// The low-resolution image enlarged: the network on its bicubic enlargement, turned every way that keeps it one (8, or
// 4 where the axes' scales differ, or 1 without ensemble), each output back-projected, their median back-projected
// again. Without a network bicubic takes its place. `done` is told the share of outputs that are ready.
struct Enlarging {
  bool ensemble, swaps_axes;
  int32_t back_projections;
  float top;
  int64_t tile;
};
Plane enlarged(ZssrNet *net, const Plane &low, const ScalePair &scales, const Enlarging &how,
               const std::function<void()> &between, const std::function<void(double)> &done);

// Pixel by pixel the median of the images, the mean of the middle two where their number is even.
Plane median(const std::vector<Plane> &images);

// Limits every pixel to 0..top.
void clip(Plane *image, float top);

}  // namespace teravox
