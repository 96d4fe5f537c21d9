// SPDX-License-Identifier: Apache-2.0
//
// The parts of ZSSR's network around the convolutions of 64 to 64 channels: its first and last layer, which have one
// channel on one side, and Adam. Written for wide vectors; every result is independent of the number of threads.
#pragma once

#include <cstdint>
#include <vector>

#include "plane.h"

namespace teravox::zssr {

constexpr int64_t kChannels = 64, kTaps = 9, kTapWeights = kTaps * kChannels;

// 64 channels in blocks of 16 or 8: [channel block][y][x][channel of the block], aligned to 64 bytes.
struct Features {
  float *data;
  int64_t y, x;
  int block;

  int64_t blocks() const { return kChannels / block; }
  float *row(int64_t channel_block, int64_t at) const { return data + (channel_block * y + at) * x * block; }
};

// A grey image with a border of one zero pixel.
Plane bordered(const Plane &image);

// Weights between one channel and 64: [tap y][tap x][channel].
using Taps = std::vector<float>;

// The convolution's transpose has its taps in reverse order.
Taps reversed(const Taps &taps);

// One channel to 64: to[p] = sum over taps of taps[t] * from[p + t]. Then, where `kept` is given, zero where its
// features are not above zero (ReLU's derivative); else negative values become zero where `relu` is set.
void spread(const Plane &from_bordered, const Taps &taps, bool relu, const Features *kept, const Features &to);

// 64 channels to one: to[p] = sum over taps and channels of taps[t][c] * from[p + t][c].
void gather(const Features &from, const Taps &taps, Plane *to);

// sum over pixels of features[p][c] * image[p + t].
Taps correlate(const Features &features, const Plane &image_bordered);

// Zero where `kept` is not above zero.
void mask(const Features &kept, const Features &features);

// Adam as in torch.optim.Adam (Kingma and Ba 2015, algorithm 1).
struct Adam {
  static constexpr double kBeta1 = .9, kBeta2 = .999, kEpsilon = 1e-8;
  std::vector<float> mean, square;

  void start(size_t count);
  // update: 1 for the first.
  void step(const float *gradient, double rate, int64_t update, float *weights);
};

// Whether every number is finite.
bool all_finite(const float *numbers, size_t count);

}  // namespace teravox::zssr
