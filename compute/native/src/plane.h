// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace teravox {

// A grey image (y, x), x fastest.
struct Plane {
  int64_t y = 0, x = 0;
  std::vector<float> pixels;

  Plane() = default;
  Plane(int64_t rows, int64_t columns) : y(rows), x(columns), pixels(static_cast<size_t>(rows * columns)) {}

  float *row(int64_t at) { return pixels.data() + at * x; }
  const float *row(int64_t at) const { return pixels.data() + at * x; }
};

}  // namespace teravox
