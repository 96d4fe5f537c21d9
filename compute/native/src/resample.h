// SPDX-License-Identifier: Apache-2.0
//
// Grey images made larger and smaller. A plan holds the weights for one pair of shapes and is applied as often as
// wanted. Plain C++ on plain buffers, always in the same order of sums: the same image gives the same bytes.
//
// Geometry. A pixel is a cell of width 1 whose sample lies at its centre. Pixel o of the output lies at (o + .5) * f -
// .5 of the input, where f is the input's size divided by the output's: both images cover the same extent, so flips
// commute with every plan and what one reduces the other brings back to its place, also where sizes do not divide. A
// stated scale keeps to that scale exactly and lets the images agree in their first corner instead; their extents then
// differ by part of a pixel at the far end where sizes do not divide. Both are the same where they do.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "teravox.h"

namespace teravox {

using Shape2 = std::array<int64_t, 2>;  // (y, x)
using Scale2 = std::array<double, 2>;   // (y, x), from 1 on for both directions; 0: from the shapes

// How a low-resolution image is made of a high-resolution one.
struct Reduction {
  int32_t kind = TVX_REDUCE_BICUBIC;
  Shape2 kernel_shape = {0, 0};  // odd
  std::vector<double> kernel;    // rows, their sum is 1
};

// Throws TVX_BAD_ARGUMENT with one sentence that says what is wrong with it.
Reduction make_reduction(const tvx_reduction &given);

// ceil(size * scale); a product within 1e-6 of a whole number counts as that number.
int64_t enlarged_size(int64_t size, double scale);

// size / scale rounded, halves to even as scikit-image's rescale does; 1 at least.
int64_t reduced_size(int64_t size, double scale);

// Weight of a pixel at distance t: Keys, "Cubic convolution interpolation for digital image processing" (1981), eq. 4
// with a = -1/2. 0 from 2 on.
double keys(double t);

// One axis: output i is the sum of weights[i * taps + k] * input[first[i] + k]. What a border needs is folded in.
struct AxisWeights {
  int64_t in = 0, out = 0, taps = 0;
  std::vector<int64_t> first;
  std::vector<float> weights;
  bool identity() const { return in == out && taps == 1; }
};

// A plan. Immutable: any number of threads may run it at once.
class Resampling {
 public:
  // Cubic convolution by Keys (1981), a = -.5, mirrored about the image's edges (the edge pixel is repeated).
  // Throws TVX_BAD_SHAPE or TVX_BAD_ARGUMENT; so does reduce.
  static Resampling enlarge(const Shape2 &in, const Shape2 &out, const Scale2 &scale = {0, 0});

  // Bicubic: Keys' kernel widened by the factor f against aliasing, weights normalised; mirrored as above.
  // Gaussian: scikit-image's rescale(anti_aliasing=True): a Gaussian of sigma (f - 1) / 2, cut at 4 sigma, then linear
  // interpolation; mirrored about the edge pixels' centres (the edge pixel is not repeated).
  // Kernel: convolved with the image, so that a single bright pixel becomes the kernel as it is written, like a
  // measured point spread; the border is mirrored as for bicubic. The blurred image is then read at the output's
  // centres. Where these lie between pixels, as with an even f, it is read by Keys' cubic of unit width: linear
  // interpolation would blur a second time (at f = 2 it leaves .92 per axis of what oscillates at the output's Nyquist
  // frequency, the cubic .99), and the given kernel is to be all the blur there is.
  static Resampling reduce(const Reduction &reduction, const Shape2 &in, const Shape2 &out,
                           const Scale2 &scale = {0, 0});

  const Shape2 &in() const { return in_; }
  const Shape2 &out() const { return out_; }

  // image and result: contiguous (y, x), apart from each other, any grey scale. Nothing is clipped: a cubic
  // overshoots at edges. The scratch grows to what is needed and may serve any plan, one thread at a time.
  void run(const float *image, float *result, std::vector<float> *scratch) const;

 private:
  Shape2 in_ = {0, 0}, out_ = {0, 0};
  AxisWeights y_, x_;
  Shape2 kernel_shape_ = {0, 0};
  std::vector<float> kernel_;  // empty: nothing but the axes' weights
};

}  // namespace teravox
