// SPDX-License-Identifier: Apache-2.0
#include "zssr_kernels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

// Compiled once for each kind of processor; the first call of the program chooses.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define TVX_CLONES __attribute__((target_clones("arch=skylake-avx512", "arch=haswell", "default")))
#else
#define TVX_CLONES
#endif
#define TVX_INLINE inline __attribute__((always_inline))

namespace teravox::zssr {
namespace {

// A vector of B floats; the compiler cuts it into what the processor has.
template <int B>
struct Lanes {
  typedef float Type __attribute__((vector_size(B * sizeof(float))));
};

template <int B>
TVX_INLINE void spread_row_of(const float *const *rows, int64_t x, const float *taps, bool relu, const float *kept,
                              float *to) {
  using V = typename Lanes<B>::Type;
  V w[kTaps];
  for (int t = 0; t < kTaps; ++t) std::memcpy(&w[t], taps + t * kChannels, sizeof(V));
  const V zero = {};
  for (int64_t i = 0; i < x; ++i) {
    V sum = zero;
    for (int t = 0; t < kTaps; ++t) sum += w[t] * rows[t / 3][i + t % 3];
    if (kept != nullptr) {
      V here;
      std::memcpy(&here, kept + i * B, sizeof(V));
      sum = here > zero ? sum : zero;
    } else if (relu) {
      sum = sum > zero ? sum : zero;
    }
    std::memcpy(to + i * B, &sum, sizeof(V));
  }
}

TVX_CLONES void spread_row(int block, const float *const *rows, int64_t x, const float *taps, bool relu,
                           const float *kept, float *to) {
  if (block == 16) return spread_row_of<16>(rows, x, taps, relu, kept, to);
  spread_row_of<8>(rows, x, taps, relu, kept, to);
}

// Adds the products of one block of channels and one row of taps (three) to the sums of a row, `B` lanes a pixel.
template <int B>
TVX_INLINE void gather_row_of(const float *from, int64_t x, const float *taps, float *sums) {
  using V = typename Lanes<B>::Type;
  V w[3];
  for (int t = 0; t < 3; ++t) std::memcpy(&w[t], taps + t * kChannels, sizeof(V));
  V left = {}, here, right = {};
  std::memcpy(&here, from, sizeof(V));
  for (int64_t i = 0; i < x; ++i) {
    if (i + 1 < x) {
      std::memcpy(&right, from + (i + 1) * B, sizeof(V));
    } else {
      right = V{};
    }
    V sum;
    std::memcpy(&sum, sums + i * B, sizeof(V));
    sum += w[0] * left;
    sum += w[1] * here;
    sum += w[2] * right;
    std::memcpy(sums + i * B, &sum, sizeof(V));
    left = here;
    here = right;
  }
}

template <int B>
TVX_INLINE void add_lanes_of(const float *sums, int64_t x, float *to) {
  for (int64_t i = 0; i < x; ++i) {
    float lanes[B];
    std::memcpy(lanes, sums + i * B, sizeof(lanes));
    for (int width = B / 2; width > 0; width /= 2) {
      for (int k = 0; k < width; ++k) lanes[k] += lanes[k + width];
    }
    to[i] = lanes[0];
  }
}

TVX_CLONES void gather_row(int block, const float *from, int64_t x, const float *taps, float *sums) {
  if (block == 16) return gather_row_of<16>(from, x, taps, sums);
  gather_row_of<8>(from, x, taps, sums);
}

TVX_CLONES void add_lanes(int block, const float *sums, int64_t x, float *to) {
  if (block == 16) return add_lanes_of<16>(sums, x, to);
  add_lanes_of<8>(sums, x, to);
}

template <int B>
TVX_INLINE void correlate_row_of(const float *features, const float *const *rows, int64_t x, float *to) {
  using V = typename Lanes<B>::Type;
  V sums[kTaps] = {};
  for (int64_t i = 0; i < x; ++i) {
    V here;
    std::memcpy(&here, features + i * B, sizeof(V));
    for (int t = 0; t < kTaps; ++t) sums[t] += here * rows[t / 3][i + t % 3];
  }
  for (int t = 0; t < kTaps; ++t) std::memcpy(to + t * kChannels, &sums[t], sizeof(V));
}

TVX_CLONES void correlate_row(int block, const float *features, const float *const *rows, int64_t x, float *to) {
  if (block == 16) return correlate_row_of<16>(features, rows, x, to);
  correlate_row_of<8>(features, rows, x, to);
}

TVX_CLONES void mask_row(const float *kept, int64_t count, float *values) {
  for (int64_t i = 0; i < count; ++i) values[i] = kept[i] > 0 ? values[i] : 0;
}

TVX_CLONES void adam_step(const float *gradient, int64_t count, float step, float root_correction, float *mean,
                          float *square, float *weights) {
  constexpr float b1 = static_cast<float>(Adam::kBeta1), b2 = static_cast<float>(Adam::kBeta2);
  constexpr float c1 = static_cast<float>(1 - Adam::kBeta1), c2 = static_cast<float>(1 - Adam::kBeta2);
  constexpr float epsilon = static_cast<float>(Adam::kEpsilon);
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i];
    const float m = b1 * mean[i] + c1 * g, s = b2 * square[i] + c2 * g * g;
    mean[i] = m;
    square[i] = s;
    weights[i] -= step * m / (__builtin_sqrtf(s) / root_correction + epsilon);
  }
}

std::array<const float *, 3> three_rows(const Plane &bordered_image, int64_t at) {
  return {bordered_image.row(at), bordered_image.row(at + 1), bordered_image.row(at + 2)};
}

}  // namespace

Plane bordered(const Plane &image) {
  Plane result(image.y + 2, image.x + 2);
  for (int64_t i = 0; i < image.y; ++i) {
    std::memcpy(result.row(i + 1) + 1, image.row(i), static_cast<size_t>(image.x) * sizeof(float));
  }
  return result;
}

Taps reversed(const Taps &taps) {
  Taps result(taps.size());
  for (int64_t t = 0; t < kTaps; ++t) {
    std::copy_n(taps.data() + t * kChannels, kChannels, result.data() + (kTaps - 1 - t) * kChannels);
  }
  return result;
}

void spread(const Plane &from_bordered, const Taps &taps, bool relu, const Features *kept, const Features &to) {
#pragma omp parallel for collapse(2) schedule(static)
  for (int64_t c = 0; c < to.blocks(); ++c) {
    for (int64_t y = 0; y < to.y; ++y) {
      spread_row(to.block, three_rows(from_bordered, y).data(), to.x, taps.data() + c * to.block, relu,
                 kept == nullptr ? nullptr : kept->row(c, y), to.row(c, y));
    }
  }
}

void gather(const Features &from, const Taps &taps, Plane *to) {
#pragma omp parallel
  {
    std::vector<float> sums(static_cast<size_t>(from.x * from.block));
#pragma omp for schedule(static)
    for (int64_t y = 0; y < from.y; ++y) {
      std::fill(sums.begin(), sums.end(), 0.0f);
      for (int64_t t = std::max<int64_t>(0, 1 - y); t < std::min<int64_t>(3, from.y + 1 - y); ++t) {
        for (int64_t c = 0; c < from.blocks(); ++c) {
          gather_row(from.block, from.row(c, y + t - 1), from.x, taps.data() + 3 * t * kChannels + c * from.block,
                     sums.data());
        }
      }
      add_lanes(from.block, sums.data(), from.x, to->row(y));
    }
  }
}

Taps correlate(const Features &features, const Plane &image_bordered) {
  // Sums of a row each, added up in the order of the rows.
  std::vector<float> parts(static_cast<size_t>(features.y * kTapWeights));
#pragma omp parallel for schedule(static)
  for (int64_t y = 0; y < features.y; ++y) {
    for (int64_t c = 0; c < features.blocks(); ++c) {
      correlate_row(features.block, features.row(c, y), three_rows(image_bordered, y).data(), features.x,
                    parts.data() + y * kTapWeights + c * features.block);
    }
  }
  Taps result(static_cast<size_t>(kTapWeights));
  for (int64_t y = 0; y < features.y; ++y) {
    for (int64_t i = 0; i < kTapWeights; ++i)
      result[static_cast<size_t>(i)] += parts[static_cast<size_t>(y * kTapWeights + i)];
  }
  return result;
}

void mask(const Features &kept, const Features &features) {
#pragma omp parallel for collapse(2) schedule(static)
  for (int64_t c = 0; c < features.blocks(); ++c) {
    for (int64_t y = 0; y < features.y; ++y) {
      mask_row(kept.row(c, y), features.x * features.block, features.row(c, y));
    }
  }
}

void Adam::start(size_t count) {
  mean.assign(count, 0);
  square.assign(count, 0);
}

void Adam::step(const float *gradient, double rate, int64_t update, float *weights) {
  const double n = static_cast<double>(update);
  adam_step(gradient, static_cast<int64_t>(mean.size()), static_cast<float>(rate / (1 - std::pow(kBeta1, n))),
            static_cast<float>(std::sqrt(1 - std::pow(kBeta2, n))), mean.data(), square.data(), weights);
}

bool all_finite(const float *numbers, size_t count) {
  // A sum of finite numbers of these sizes is finite; infinity and NaN carry through it.
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += static_cast<double>(numbers[i]);
  return std::isfinite(sum);
}

}  // namespace teravox::zssr
