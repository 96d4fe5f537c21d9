// SPDX-License-Identifier: Apache-2.0
#include "resample.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>

#include "guard.h"
#include "mirror.h"

namespace teravox {
namespace {

constexpr double kNegligible = 1e-12;  // a weight that rounding alone has made differ from 0
constexpr double kMaxFactor = 64;      // bounds the weights' size; far above what microscopy asks for
constexpr int64_t kMaxKernel = 129;    // per axis
constexpr double kGaussianTruncate = 4;

using AddWeight = std::function<void(int64_t index, double weight)>;

// weigh(position, add) says what the output at that place of the input is made of; its sum is normalised.
template <typename Mirror, typename Weigh>
AxisWeights tabulate(int64_t in, int64_t out, double factor, Mirror mirror, Weigh weigh) {
  AxisWeights axis;
  axis.in = in;
  axis.out = out;
  std::vector<std::map<int64_t, double>> rows(static_cast<size_t>(out));
  for (int64_t o = 0; o < out; ++o) {
    auto &row = rows[static_cast<size_t>(o)];
    double sum = 0;
    weigh((static_cast<double>(o) + .5) * factor - .5, [&](int64_t index, double weight) {
      row[mirror(index, in)] += weight;
      sum += weight;
    });
    for (auto at = row.begin(); at != row.end();) {
      at->second /= sum;
      at = std::abs(at->second) < kNegligible ? row.erase(at) : std::next(at);
    }
    axis.taps = std::max(axis.taps, row.rbegin()->first - row.begin()->first + 1);
  }
  axis.weights.assign(static_cast<size_t>(out * axis.taps), 0.0f);
  for (int64_t o = 0; o < out; ++o) {
    const auto &row = rows[static_cast<size_t>(o)];
    const int64_t first = std::min(row.begin()->first, in - axis.taps);
    axis.first.push_back(first);
    for (const auto &[index, weight] : row) {
      axis.weights[static_cast<size_t>(o * axis.taps + index - first)] = static_cast<float>(weight);
    }
  }
  return axis;
}

// Keys' kernel, `width` times as wide as its published form.
AxisWeights cubic_axis(int64_t in, int64_t out, double factor, double width) {
  return tabulate(in, out, factor, mirror_at_edge, [width](double position, const AddWeight &add) {
    const auto last = static_cast<int64_t>(std::floor(position + 2 * width));
    for (auto i = static_cast<int64_t>(std::ceil(position - 2 * width)); i <= last; ++i) {
      add(i, keys((static_cast<double>(i) - position) / width));
    }
  });
}

// scipy.ndimage.gaussian_filter1d and zoom(order=1, grid_mode=True) in one, mode "mirror".
AxisWeights gaussian_axis(int64_t in, int64_t out, double factor) {
  const double sigma = std::max(0.0, (factor - 1) / 2);
  const auto radius = static_cast<int64_t>(kGaussianTruncate * sigma + .5);
  std::vector<double> gauss;
  for (int64_t i = -radius; i <= radius; ++i) {
    const double t = static_cast<double>(i);
    gauss.push_back(radius == 0 ? 1 : std::exp(-.5 * t * t / (sigma * sigma)));
  }
  return tabulate(in, out, factor, mirror_at_centre, [&](double position, const AddWeight &add) {
    const double cell = std::floor(position);
    for (int64_t side = 0; side < 2; ++side) {
      const double weight = side == 0 ? 1 - (position - cell) : position - cell;
      // The interpolation reads mirrored pixels of the filtered image, and these are filtered where they come from.
      const int64_t at = mirror_at_centre(static_cast<int64_t>(cell) + side, in);
      for (int64_t i = -radius; i <= radius; ++i) add(at + i, weight * gauss[static_cast<size_t>(i + radius)]);
    }
  });
}

std::string text_of(const Shape2 &shape) {
  return std::to_string(shape[0]) + "x" + std::to_string(shape[1]);
}

// The factor of each axis, after checks of what holds for both directions.
Scale2 checked_factors(const char *what, const Shape2 &large, const Shape2 &small, const Scale2 &scale) {
  Scale2 factors;
  for (int axis = 0; axis < 2; ++axis) {
    if (small[axis] < 1 || large[axis] < small[axis]) {
      throw Error(TVX_BAD_SHAPE, std::string("resampling: ") + what + " between " + text_of(large) + " and " +
                                     text_of(small) + " pixels: each size must be 1 or more, and the first the larger");
    }
    factors[axis] =
        scale[axis] == 0 ? static_cast<double>(large[axis]) / static_cast<double>(small[axis]) : scale[axis];
    if (!(factors[axis] >= 1 && factors[axis] <= kMaxFactor)) {
      throw Error(TVX_BAD_ARGUMENT, std::string("resampling: the scale of ") + (axis == 0 ? "y" : "x") + " is " +
                                        std::to_string(factors[axis]) + ", but must be 1 to 64");
    }
  }
  return factors;
}

// Weighted sums of whole rows.
void along_y(const AxisWeights &axis, const float *image, int64_t width, float *result) {
  for (int64_t o = 0; o < axis.out; ++o) {
    const float *in = image + axis.first[static_cast<size_t>(o)] * width;
    const float *weights = axis.weights.data() + o * axis.taps;
    float *out = result + o * width;
    for (int64_t x = 0; x < width; ++x) out[x] = weights[0] * in[x];
    for (int64_t k = 1; k < axis.taps; ++k) {
      in += width;
      const float weight = weights[k];
      for (int64_t x = 0; x < width; ++x) out[x] += weight * in[x];
    }
  }
}

void along_x(const AxisWeights &axis, const float *image, int64_t height, float *result) {
  for (int64_t y = 0; y < height; ++y) {
    const float *in = image + y * axis.in;
    float *out = result + y * axis.out;
    const float *weights = axis.weights.data();
    for (int64_t o = 0; o < axis.out; ++o, weights += axis.taps) {
      const float *from = in + axis.first[static_cast<size_t>(o)];
      float sum = weights[0] * from[0];
      for (int64_t k = 1; k < axis.taps; ++k) sum += weights[k] * from[k];
      out[o] = sum;
    }
  }
}

// Correlation. image: the mirrored image, larger than the result (shape `shape`) by the kernel's radius on each side.
void filter(const std::vector<float> &kernel, const Shape2 &kernel_shape, const float *image, const Shape2 &shape,
            float *result) {
  const int64_t stride = shape[1] + kernel_shape[1] - 1;
  for (int64_t y = 0; y < shape[0]; ++y) {
    float *out = result + y * shape[1];
    std::fill(out, out + shape[1], 0.0f);
    const float *weight = kernel.data();
    for (int64_t ky = 0; ky < kernel_shape[0]; ++ky) {
      for (int64_t kx = 0; kx < kernel_shape[1]; ++kx, ++weight) {
        const float *in = image + (y + ky) * stride + kx;
        for (int64_t x = 0; x < shape[1]; ++x) out[x] += *weight * in[x];
      }
    }
  }
}

void pad_mirrored(const float *image, const Shape2 &shape, const Shape2 &radius, float *padded) {
  const int64_t width = shape[1];
  for (int64_t y = -radius[0]; y < shape[0] + radius[0]; ++y, padded += width + 2 * radius[1]) {
    const float *in = image + mirror_at_edge(y, shape[0]) * width;
    std::copy(in, in + width, padded + radius[1]);
    for (int64_t i = 1; i <= radius[1]; ++i) {
      padded[radius[1] - i] = in[mirror_at_edge(-i, width)];
      padded[radius[1] + width - 1 + i] = in[mirror_at_edge(width - 1 + i, width)];
    }
  }
}

}  // namespace

double keys(double t) {
  t = std::abs(t);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  if (t < 2) return ((-.5 * t + 2.5) * t - 4) * t + 2;
  return 0;
}

Reduction make_reduction(const tvx_reduction &given) {
  Reduction reduction;
  reduction.kind = given.kind;
  if (given.kind == TVX_REDUCE_BICUBIC || given.kind == TVX_REDUCE_GAUSSIAN) return reduction;
  if (given.kind != TVX_REDUCE_KERNEL) {
    throw Error(TVX_BAD_ARGUMENT, "reduction: kind is " + std::to_string(given.kind) +
                                      ", but must be 0 (bicubic), 1 (gaussian) or 2 (kernel)");
  }
  reduction.kernel_shape = {given.kernel_shape[0], given.kernel_shape[1]};
  for (int64_t size : reduction.kernel_shape) {
    if (size < 1 || size > kMaxKernel || size % 2 == 0) {
      throw Error(TVX_BAD_ARGUMENT, "reduction: the kernel is " + text_of(reduction.kernel_shape) +
                                        ", but its sizes must be odd, 1 to " + std::to_string(kMaxKernel));
    }
  }
  require(given.kernel, "the reduction's kernel");
  reduction.kernel.assign(given.kernel, given.kernel + reduction.kernel_shape[0] * reduction.kernel_shape[1]);
  double sum = 0;
  for (double weight : reduction.kernel) sum += weight;
  if (!(std::abs(sum - 1) <= 1e-3)) {  // also for NaN
    throw Error(TVX_BAD_ARGUMENT,
                "reduction: the kernel's sum is " + std::to_string(sum) + ", but must be 1: divide it by its sum");
  }
  for (double &weight : reduction.kernel) weight /= sum;
  return reduction;
}

int64_t enlarged_size(int64_t size, double scale) {
  return static_cast<int64_t>(std::ceil(static_cast<double>(size) * scale - 1e-6));
}

int64_t reduced_size(int64_t size, double scale) {
  // The default rounding mode takes halves to even. The product with 1 / scale is scikit-image's.
  return std::max<int64_t>(1, static_cast<int64_t>(std::nearbyint(static_cast<double>(size) * (1 / scale))));
}

Resampling Resampling::enlarge(const Shape2 &in, const Shape2 &out, const Scale2 &scale) {
  const Scale2 factors = checked_factors("enlarging", out, in, scale);
  Resampling plan;
  plan.in_ = in;
  plan.out_ = out;
  plan.y_ = cubic_axis(in[0], out[0], 1 / factors[0], 1);
  plan.x_ = cubic_axis(in[1], out[1], 1 / factors[1], 1);
  return plan;
}

Resampling Resampling::reduce(const Reduction &reduction, const Shape2 &in, const Shape2 &out, const Scale2 &scale) {
  const Scale2 factors = checked_factors("reducing", in, out, scale);
  const auto axis = [&](int k) {
    switch (reduction.kind) {
      case TVX_REDUCE_GAUSSIAN:
        return gaussian_axis(in[k], out[k], factors[k]);
      case TVX_REDUCE_KERNEL:
        return cubic_axis(in[k], out[k], factors[k], 1);
      default:
        return cubic_axis(in[k], out[k], factors[k], factors[k]);
    }
  };
  Resampling plan;
  plan.in_ = in;
  plan.out_ = out;
  plan.y_ = axis(0);
  plan.x_ = axis(1);
  plan.kernel_shape_ = reduction.kernel_shape;
  plan.kernel_.assign(reduction.kernel.rbegin(), reduction.kernel.rend());  // turned: filter() correlates
  return plan;
}

void Resampling::run(const float *image, float *result, std::vector<float> *scratch) const {
  const bool y_first = out_[0] * in_[1] <= in_[0] * out_[1];  // the smaller image between the two passes
  const int64_t between = y_first ? out_[0] * in_[1] : in_[0] * out_[1];
  const Shape2 radius = {kernel_shape_[0] / 2, kernel_shape_[1] / 2};
  const int64_t padded = kernel_.empty() ? 0 : (in_[0] + 2 * radius[0]) * (in_[1] + 2 * radius[1]);
  const int64_t filtered = kernel_.empty() ? 0 : in_[0] * in_[1];
  const auto needed = static_cast<size_t>(between + padded + filtered);
  if (scratch->size() < needed) scratch->resize(needed);
  float *middle = scratch->data();
  if (!kernel_.empty()) {
    float *mirrored = middle + between;
    pad_mirrored(image, in_, radius, mirrored);
    filter(kernel_, kernel_shape_, mirrored, in_, mirrored + padded);
    image = mirrored + padded;
  }
  if (y_.identity() && x_.identity()) {
    std::copy(image, image + in_[0] * in_[1], result);
  } else if (x_.identity()) {
    along_y(y_, image, in_[1], result);
  } else if (y_.identity()) {
    along_x(x_, image, in_[0], result);
  } else if (y_first) {
    along_y(y_, image, in_[1], middle);
    along_x(x_, middle, out_[0], result);
  } else {
    along_x(x_, image, in_[0], middle);
    along_y(y_, middle, out_[1], result);
  }
}

}  // namespace teravox
