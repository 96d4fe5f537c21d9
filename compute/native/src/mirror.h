// SPDX-License-Identifier: Apache-2.0
//
// Which pixel a mirror shows in the place of one beyond the border, however far it lies. n is the axis's size, above 0.
#pragma once

#include <cstdint>

namespace teravox {

// The mirror stands at the image's edge, so the edge pixel is repeated: 2 1 0 | 0 1 2.
inline int64_t mirror_at_edge(int64_t i, int64_t n) {
  i %= 2 * n;
  if (i < 0) i += 2 * n;
  return i < n ? i : 2 * n - 1 - i;
}

// It stands at the edge pixel's centre, so that is not: 2 1 | 0 1 2.
inline int64_t mirror_at_centre(int64_t i, int64_t n) {
  if (n == 1) return 0;
  const int64_t period = 2 * (n - 1);
  i %= period;
  if (i < 0) i += period;
  return i < n ? i : period - i;
}

}  // namespace teravox
