// SPDX-License-Identifier: Apache-2.0
//
// Counter-based random numbers: number i of a stream is a function of the stream's key and i alone, so a draw
// has no hidden state, can be made in any order, and is the same in a resumed run.
#pragma once

#include <cmath>
#include <cstdint>

namespace teravox {

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection of 64 bits in which every input bit moves
// every output bit.
inline uint64_t mix64(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

class RandomStream {
 public:
  // One stream per (seed, index, purpose). Each is mixed in by itself, so neighbouring seeds and indices give
  // unrelated streams.
  RandomStream(uint64_t seed, uint64_t index, uint64_t purpose)
      : key_(mix64(mix64(mix64(seed + kGolden) ^ (index * kGolden)) + purpose * 0xd1342543de82ef95ULL)) {}

  uint64_t bits(uint64_t i) const { return mix64(key_ + (i + 1) * kGolden); }

  // In [0, 1), a multiple of 2^-53.
  double uniform(uint64_t i) const { return static_cast<double>(bits(i) >> 11) * 0x1p-53; }

  double uniform(uint64_t i, double low, double high) const { return low + (high - low) * uniform(i); }

  // Normal numbers 2 i and 2 i + 1 (Box and Muller 1958), within +-6.7 since 32 bits make the radius.
  void normal_pair(uint64_t i, float *first, float *second) const {
    const uint64_t b = bits(i);
    const float u = (static_cast<float>(static_cast<uint32_t>(b >> 32)) + 0.5f) * 0x1p-32f;
    const float angle = static_cast<float>(static_cast<uint32_t>(b)) * static_cast<float>(0x1p-32 * 6.283185307179586);
    // u may round up to 1, and log(1) = 0 is fine; it is never 0.
    const float radius = std::sqrt(-2.0f * std::log(u));
    *first = radius * std::cos(angle);
    *second = radius * std::sin(angle);
  }

 private:
  static constexpr uint64_t kGolden = 0x9e3779b97f4a7c15ULL;
  uint64_t key_;
};

}  // namespace teravox
