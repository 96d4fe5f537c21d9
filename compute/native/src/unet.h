// SPDX-License-Identifier: Apache-2.0
//
// The network as a libtorch module: what trains, and what inference's faster forms are compared with.
#pragma once

#include <ATen/ATen.h>
#include <torch/nn/module.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "teravox.h"

namespace teravox {

// Tensors by name, in the order of a file.
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

// A 3D U-Net with parameter names as in pytorch-3dunet. train() and eval() switch batch norm as in PyTorch.
class UNet3d : public torch::nn::Module {
 public:
  // Weights are zero until make_unet or load_tensors sets them. The architecture must be valid.
  explicit UNet3d(const tvx_arch &arch);

  // x: float, (batch, in_channels, z, y, x), spatial sizes multiples of the grid. Returns logits (batch,
  // out_channels, z, y, x). `poll`, if given, is called between layers and may throw to stop the pass.
  at::Tensor forward(const at::Tensor &x, const std::function<void()> &poll = {});

  const tvx_arch &arch() const { return arch_; }

 private:
  tvx_arch arch_;
  std::vector<std::shared_ptr<torch::nn::Module>> encoders_;
  std::vector<std::shared_ptr<torch::nn::Module>> decoders_;  // 0 is the coarsest
  std::shared_ptr<torch::nn::Module> final_conv_;
};

// A network with PyTorch's default initialisation: the same seed gives the same weights. Draws from a generator of
// its own, so calls on several threads do not disturb each other. Throws TVX_BAD_ARGUMENT for a bad architecture.
std::shared_ptr<UNet3d> make_unet(const tvx_arch &arch, uint64_t seed);

// The network's own tensors (parameters and batch norm's buffers, not copies), in the order of tensor_specs.
NamedTensors named_tensors(UNet3d &net);

// Copies of them: contiguous, on the CPU, without gradient.
NamedTensors copy_tensors(UNet3d &net);

// Copies values into the network. Throws TVX_MISMATCH when a name is missing or foreign or a shape differs.
void load_tensors(UNet3d &net, const NamedTensors &tensors);

// Throws TVX_MISMATCH unless names, shapes and types are exactly those of the architecture, in any order;
// returns them in the order of tensor_specs, contiguous.
NamedTensors match_tensors(const tvx_arch &arch, const NamedTensors &tensors);

}  // namespace teravox
