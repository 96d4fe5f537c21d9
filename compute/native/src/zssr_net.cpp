// SPDX-License-Identifier: Apache-2.0
#include "zssr_net.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "random.h"

namespace teravox {
namespace {

constexpr uint64_t kPurpose = 0x1e167;
constexpr double kVariance = .1;

Plane part(const Plane &image, int64_t top, int64_t left, int64_t rows, int64_t columns) {
  Plane result(rows, columns);
  for (int64_t i = 0; i < rows; ++i) {
    std::memcpy(result.row(i), image.row(top + i) + left, static_cast<size_t>(columns) * sizeof(float));
  }
  return result;
}

}  // namespace

std::vector<at::Tensor> zssr_initial_weights(uint64_t seed) {
  std::vector<at::Tensor> weights;
  for (int64_t layer = 0; layer < ZssrNet::kLayers; ++layer) {
    const int64_t in = layer == 0 ? 1 : ZssrNet::kChannels,
                  out = layer + 1 == ZssrNet::kLayers ? 1 : ZssrNet::kChannels;
    at::Tensor weight = at::empty({out, in, 3, 3}, at::kFloat);
    float *numbers = weight.data_ptr<float>();
    const float sigma = static_cast<float>(std::sqrt(kVariance / static_cast<double>(9 * in)));
    const RandomStream random(seed, static_cast<uint64_t>(layer), kPurpose);
    for (int64_t i = 0; i < weight.numel(); i += 2) {
      float first, second;
      random.normal_pair(static_cast<uint64_t>(i / 2), &first, &second);
      numbers[i] = sigma * first;
      if (i + 1 < weight.numel()) numbers[i + 1] = sigma * second;
    }
    weights.push_back(weight);
  }
  return weights;
}

std::unique_ptr<ZssrNet> ZssrNet::best(const c10::Device &device) {
  std::unique_ptr<ZssrNet> net = device.is_cpu() ? by_onednn() : nullptr;
  return net != nullptr ? std::move(net) : by_torch(device);
}

Plane forward_tiled(ZssrNet *net, const Plane &input, int64_t tile, const std::function<void()> &between) {
  if (input.y <= tile && input.x <= tile) {
    between();
    return net->forward(input);
  }
  const int64_t margin = net->margin();
  Plane result(input.y, input.x);
  for (int64_t top = 0; top < input.y; top += tile) {
    for (int64_t left = 0; left < input.x; left += tile) {
      between();
      const int64_t rows = std::min(tile, input.y - top), columns = std::min(tile, input.x - left);
      const int64_t y = std::max<int64_t>(0, top - margin), x = std::max<int64_t>(0, left - margin);
      const Plane output = net->forward(part(input, y, x, std::min(input.y, top + rows + margin) - y,
                                             std::min(input.x, left + columns + margin) - x));
      for (int64_t i = 0; i < rows; ++i) {
        std::memcpy(result.row(top + i) + left, output.row(top - y + i) + left - x,
                    static_cast<size_t>(columns) * sizeof(float));
      }
    }
  }
  return result;
}

}  // namespace teravox
