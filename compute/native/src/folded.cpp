// SPDX-License-Identifier: Apache-2.0
#include "folded.h"

#include <string>
#include <unordered_map>

#include "arch.h"

namespace teravox {
namespace {

constexpr double kEpsilon = 1e-5;  // of PyTorch's BatchNorm3d

class Folder {
 public:
  explicit Folder(const tvx_model &model) : arch_(model.arch), tensors_(model.tensors.begin(), model.tensors.end()) {}

  FoldedConv plain(const std::string &prefix) const {
    return {tensors_.at(prefix + ".weight"), tensors_.at(prefix + ".bias"), {}, {}, 0, false};
  }

  FoldedConv single_conv(const std::string &prefix, bool relu) const {
    FoldedConv conv;
    conv.relu = relu;
    conv.weight = tensors_.at(prefix + ".conv.weight");
    if (arch_.order == TVX_ORDER_GCR) {
      conv.gamma = tensors_.at(prefix + ".groupnorm.weight");
      conv.beta = tensors_.at(prefix + ".groupnorm.bias");
      conv.groups = groups_for(arch_, conv.gamma.numel());
      return conv;
    }
    // In double precision: rounding once keeps the folded network within float's rounding of the unfolded one.
    auto number = [&](const char *name) { return tensors_.at(prefix + ".batchnorm." + name).to(at::kDouble); };
    at::Tensor scale = number("weight") / (number("running_var") + kEpsilon).sqrt();
    conv.bias = (number("bias") - number("running_mean") * scale).to(at::kFloat);
    conv.weight = (conv.weight.to(at::kDouble) * scale.reshape({-1, 1, 1, 1, 1})).to(at::kFloat);
    return conv;
  }

  FoldedBlock block(const std::string &prefix, const BlockChannels &channels) const {
    FoldedBlock block;
    if (arch_.residual != 0) {
      if (channels.in != channels.out) block.project = plain(prefix + ".conv1");
      block.first = single_conv(prefix + ".conv2", true);
      block.second = single_conv(prefix + ".conv3", true);  // its ReLU comes after the sum
    } else {
      block.first = single_conv(prefix + ".SingleConv1", true);
      block.second = single_conv(prefix + ".SingleConv2", true);
    }
    return block;
  }

  at::Tensor transposed(const std::string &prefix) const {
    if (arch_.upsample == TVX_UPSAMPLE_NEAREST) return {};
    return tensors_.at(prefix + ".upsampling.upsample.conv_transposed.weight");
  }

 private:
  const tvx_arch &arch_;
  std::unordered_map<std::string, at::Tensor> tensors_;
};

}  // namespace

FoldedNet fold(const tvx_model &model) {
  Folder folder(model);
  FoldedNet net;
  net.arch = model.arch;
  for (int level = 0; level < net.arch.levels; ++level) {
    net.encoders.push_back(
        folder.block("encoders." + std::to_string(level) + ".basic_module", encoder_channels(net.arch, level)));
  }
  for (int level = 0; level < net.arch.levels - 1; ++level) {
    std::string prefix = "decoders." + std::to_string(net.arch.levels - 2 - level);
    net.decoders.push_back(folder.block(prefix + ".basic_module", decoder_channels(net.arch, level)));
    net.transposed.push_back(folder.transposed(prefix));
  }
  net.final_conv = folder.plain("final_conv");
  return net;
}

}  // namespace teravox
