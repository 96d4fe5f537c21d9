// SPDX-License-Identifier: Apache-2.0
//
// ZSSR's network: eight 3x3 convolutions, 64 channels, ReLU between them, no bias, added to its input.
#pragma once

#include <ATen/ATen.h>
#include <c10/core/Device.h>

#include <functional>
#include <memory>
#include <vector>

#include "plane.h"

namespace teravox {

class ZssrNet {
 public:
  static constexpr int64_t kLayers = 8, kChannels = 64;
  static constexpr int64_t kReach = kLayers;  // pixels to each side that can change an output pixel

  // The network as libtorch's operators compute it, on any device.
  static std::unique_ptr<ZssrNet> by_torch(const c10::Device &device);

  // The network as oneDNN's kernels compute it, several times as fast; null where that is not built in or the processor
  // is too old.
  static std::unique_ptr<ZssrNet> by_onednn();

  // The fastest for the device.
  static std::unique_ptr<ZssrNet> best(const c10::Device &device);

  virtual ~ZssrNet() = default;

  // Weights (out, in, 3, 3) of the eight convolutions, on the CPU; set() also forgets Adam's moments.
  virtual std::vector<at::Tensor> weights() const = 0;
  virtual void set(const std::vector<at::Tensor> &weights) = 0;

  // The mean absolute difference between the output and the target over the pixels where inside is 1 (count of them,
  // above 0), and its gradients, which are kept for update(). NaN where the loss or a gradient is not finite.
  virtual double learn(const Plane &input, const Plane &target, const Plane &inside, int64_t count) = 0;

  // One step of Adam with the gradients of the last learn().
  virtual void update(double rate) = 0;

  // Of the last learn(), like weights(): for comparisons.
  virtual std::vector<at::Tensor> gradients() const = 0;

  // The output for the whole image at once.
  virtual Plane forward(const Plane &input) = 0;

  // How many pixels to each side of a tile have to be computed with it for the tile's pixels to be, to the last bit,
  // those of the whole image, provided that tiles begin at multiples of kGrid. kReach at least.
  static constexpr int64_t kGrid = 4;
  virtual int64_t margin() const { return kReach; }
};

// Small random weights of the published variance, 0.1 / (9 * input channels): an untrained network adds almost nothing
// to its input.
std::vector<at::Tensor> zssr_initial_weights(uint64_t seed);

// forward() in tiles of at most `tile` pixels a side with the network's exact reach around each, so the result is that
// of the whole image. `between` is called before every tile.
Plane forward_tiled(ZssrNet *net, const Plane &input, int64_t tile, const std::function<void()> &between);

}  // namespace teravox
