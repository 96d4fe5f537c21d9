// SPDX-License-Identifier: Apache-2.0
//
// Features in blocks of B channels (oneDNN's nCdhwBc layout) and what is done to them between convolutions. The
// channels that fill up the last block are zero and stay zero.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "plan.h"

namespace teravox::blocked {

// Where a voxel's B channels stand: dense over a box, channel block by channel block.
template <int B>
struct View {
  float *data;
  Box box;
  int64_t blocks;

  float *row(int64_t block, int64_t z, int64_t y) const {
    return data +
           (((block * box[0].size() + (z - box[0].lo)) * box[1].size() + (y - box[1].lo)) * box[2].size() - box[2].lo) *
               B;
  }
};

// Copies a region that lies in both.
template <int B>
void copy(const View<B> &from, const View<B> &to, const Box &region) {
#pragma omp parallel for collapse(2) schedule(static)
  for (int64_t c = 0; c < from.blocks; ++c) {
    for (int64_t z = region[0].lo; z < region[0].hi; ++z) {
      for (int64_t y = region[1].lo; y < region[1].hi; ++y) {
        std::memcpy(to.row(c, z, y) + region[2].lo * B, from.row(c, z, y) + region[2].lo * B,
                    static_cast<size_t>(region[2].size() * B) * sizeof(float));
      }
    }
  }
}

// Max-pools into the planes `z` of `to`, whose windows all lie in `from`.
template <int B>
void max_pool(const View<B> &from, const View<B> &to, Interval z, const Triple &factors) {
#pragma omp parallel for collapse(2) schedule(static)
  for (int64_t c = 0; c < from.blocks; ++c) {
    for (int64_t oz = z.lo; oz < z.hi; ++oz) {
      for (int64_t oy = to.box[1].lo; oy < to.box[1].hi; ++oy) {
        float *out = to.row(c, oz, oy);
        for (int64_t dz = 0; dz < factors[0]; ++dz) {
          for (int64_t dy = 0; dy < factors[1]; ++dy) {
            const float *in = from.row(c, oz * factors[0] + dz, oy * factors[1] + dy);
            bool first = dz == 0 && dy == 0;
            for (int64_t ox = to.box[2].lo; ox < to.box[2].hi; ++ox) {
              const float *window = in + ox * factors[2] * B;
              float best[B];
              std::memcpy(best, first ? window : out + ox * B, sizeof(best));
              for (int64_t dx = 0; dx < factors[2]; ++dx) {
                for (int i = 0; i < B; ++i) best[i] = std::max(best[i], window[dx * B + i]);
              }
              std::memcpy(out + ox * B, best, sizeof(best));
            }
          }
        }
      }
    }
  }
}

// Spreads filters by parity (blocks of `from`: parity slowest) over the fine voxels of `to`. Per axis and fine voxel:
// its parity, already multiplied with the axis's stride in parities, and its coarse place. Adds if asked.
struct Spread {
  std::array<std::vector<int64_t>, 3> parity, place;
};

template <int B>
void spread(const View<B> &from, const View<B> &to, const Spread &map, bool add) {
  const Box &box = to.box;
#pragma omp parallel for collapse(2) schedule(static)
  for (int64_t c = 0; c < to.blocks; ++c) {
    for (int64_t z = box[0].lo; z < box[0].hi; ++z) {
      for (int64_t y = box[1].lo; y < box[1].hi; ++y) {
        size_t iz = static_cast<size_t>(z - box[0].lo), iy = static_cast<size_t>(y - box[1].lo);
        int64_t parity = map.parity[0][iz] + map.parity[1][iy];
        const float *in = from.row(parity * to.blocks + c, map.place[0][iz], map.place[1][iy]);
        // One step of the x parity in `from`: to.blocks channel blocks.
        int64_t stride = to.blocks * from.box.voxels() * B;
        float *out = to.row(c, z, y) + box[2].lo * B;
        for (size_t i = 0; i < map.place[2].size(); ++i, out += B) {
          const float *value = in + map.parity[2][i] * stride + map.place[2][i] * B;
          if (add) {
            for (int b = 0; b < B; ++b) out[b] += value[b];
          } else {
            std::memcpy(out, value, B * sizeof(float));
          }
        }
      }
    }
  }
}

// Sum and sum of squares of every channel over the whole view. The partial sums are those of a plane, whatever the
// number of threads, so that the result does not depend on it.
template <int B>
void channel_sums(const View<B> &view, std::vector<double> &sum, std::vector<double> &squares) {
  int64_t planes = view.box[0].size(), voxels = view.box[1].size() * view.box[2].size();
  size_t channels = static_cast<size_t>(view.blocks * B);
  std::vector<double> partial(2 * channels * static_cast<size_t>(planes));
#pragma omp parallel for collapse(2) schedule(static)
  for (int64_t c = 0; c < view.blocks; ++c) {
    for (int64_t z = 0; z < planes; ++z) {
      const float *in = view.data + (c * planes + z) * voxels * B;
      double s[B] = {}, q[B] = {};
      for (int64_t v = 0; v < voxels; ++v) {
        for (int i = 0; i < B; ++i) {
          double value = in[v * B + i];
          s[i] += value;
          q[i] += value * value;
        }
      }
      double *to = partial.data() + (static_cast<size_t>(z) * channels + static_cast<size_t>(c * B)) * 2;
      for (int i = 0; i < B; ++i) to[2 * i] = s[i], to[2 * i + 1] = q[i];
    }
  }
  sum.assign(channels, 0);
  squares.assign(channels, 0);
  for (size_t z = 0; z < static_cast<size_t>(planes); ++z) {
    for (size_t c = 0; c < channels; ++c) {
      sum[c] += partial[(z * channels + c) * 2];
      squares[c] += partial[(z * channels + c) * 2 + 1];
    }
  }
}

// to = from * scale + shift, channel by channel; the same box.
template <int B>
void affine(const View<B> &from, const View<B> &to, const float *scale, const float *shift) {
  int64_t planes = from.box[0].size(), voxels = from.box[1].size() * from.box[2].size();
#pragma omp parallel for collapse(2) schedule(static)
  for (int64_t c = 0; c < from.blocks; ++c) {
    for (int64_t z = 0; z < planes; ++z) {
      const float *in = from.data + (c * planes + z) * voxels * B;
      float *out = to.data + (c * planes + z) * voxels * B;
      for (int64_t v = 0; v < voxels; ++v) {
        for (int i = 0; i < B; ++i) out[v * B + i] = in[v * B + i] * scale[c * B + i] + shift[c * B + i];
      }
    }
  }
}

// A 1x1x1 convolution of the single input channel: to[c] = weight[c] * input + bias[c].
template <int B>
void project_single(const float *input, const View<B> &to, const float *weight, const float *bias) {
  int64_t planes = to.box[0].size(), voxels = to.box[1].size() * to.box[2].size();
#pragma omp parallel for collapse(2) schedule(static)
  for (int64_t c = 0; c < to.blocks; ++c) {
    for (int64_t z = 0; z < planes; ++z) {
      const float *in = input + z * voxels;
      float *out = to.data + (c * planes + z) * voxels * B;
      for (int64_t v = 0; v < voxels; ++v) {
        for (int i = 0; i < B; ++i) out[v * B + i] = in[v] * weight[c * B + i] + bias[c * B + i];
      }
    }
  }
}

// The final 1x1x1 convolution, to plain layout: logits (classes, z, y, x). weight: (classes, blocks * B).
template <int B>
void classify(const View<B> &from, const float *weight, const float *bias, int64_t classes, float *logits) {
  int64_t planes = from.box[0].size(), plane = from.box[1].size() * from.box[2].size(), voxels = planes * plane;
#pragma omp parallel for schedule(static)
  for (int64_t z = 0; z < planes; ++z) {
    for (int64_t v = z * plane; v < (z + 1) * plane; ++v) {
      for (int64_t k = 0; k < classes; ++k) {
        float lanes[B] = {};
        for (int64_t c = 0; c < from.blocks; ++c) {
          const float *x = from.data + (c * voxels + v) * B, *w = weight + (k * from.blocks + c) * B;
          for (int i = 0; i < B; ++i) lanes[i] += x[i] * w[i];
        }
        for (int width = B / 2; width > 0; width /= 2) {
          for (int i = 0; i < width; ++i) lanes[i] += lanes[i + width];
        }
        logits[k * voxels + v] = lanes[0] + bias[k];
      }
    }
  }
}

}  // namespace teravox::blocked
