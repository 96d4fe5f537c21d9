// SPDX-License-Identifier: Apache-2.0
#include "unet.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <unordered_map>

#include "arch.h"
#include "conv.h"
#include "guard.h"

namespace teravox {
namespace {

using torch::nn::Module;

std::string text_of(at::IntArrayRef shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + ")";
}

// The modules below hold plain tensors instead of torch::nn's layers: those draw their first weights from the
// process-wide generator, which would make a seed's weights depend on what other threads do.

struct Conv : Module {
  at::Tensor weight, bias;
  Conv(int64_t in, int64_t out, int64_t kernel, bool with_bias) {
    weight = register_parameter("weight", at::zeros({out, in, kernel, kernel, kernel}));
    if (with_bias) bias = register_parameter("bias", at::zeros({out}));
  }
  at::Tensor forward(const at::Tensor &x) { return conv3d_same(x, weight, bias); }
};

struct TransposedConv : Module {
  at::Tensor weight;
  Triple stride, padding;
  TransposedConv(const tvx_arch &arch, int level) : stride(pool_factors(arch, level)) {
    Triple k = transposed_kernel(arch, level);
    for (int a = 0; a < 3; ++a) padding[a] = arch.upsample == TVX_UPSAMPLE_TRANSPOSED3 ? 1 : 0;
    weight =
        register_parameter("weight", at::zeros({channels(arch, level + 1), channels(arch, level), k[0], k[1], k[2]}));
  }
  at::Tensor forward(const at::Tensor &x, at::IntArrayRef size) {
    at::Tensor y = at::conv_transpose3d(x, weight, {}, stride, padding);
    // pytorch-3dunet stretches the 2n - 1 outputs of its kernel 3 to the skip's 2n with nearest interpolation.
    return y.sizes().slice(2) == size ? y : at::upsample_nearest3d(y, size);
  }
};

struct GroupNorm : Module {
  at::Tensor weight, bias;
  int64_t groups;
  GroupNorm(int64_t channels, int64_t groups) : groups(groups) {
    weight = register_parameter("weight", at::ones({channels}));
    bias = register_parameter("bias", at::zeros({channels}));
  }
  at::Tensor forward(const at::Tensor &x) { return at::group_norm(x, groups, weight, bias, 1e-5); }
};

struct BatchNorm : Module {
  at::Tensor weight, bias, mean, var, count;
  explicit BatchNorm(int64_t channels) {
    weight = register_parameter("weight", at::ones({channels}));
    bias = register_parameter("bias", at::zeros({channels}));
    mean = register_buffer("running_mean", at::zeros({channels}));
    var = register_buffer("running_var", at::ones({channels}));
    count = register_buffer("num_batches_tracked", at::zeros({}, at::kLong));
  }
  at::Tensor forward(const at::Tensor &x) {
    if (is_training()) count.add_(1);
    return at::batch_norm(x, weight, bias, mean, var, is_training(), 0.1, 1e-5, true);
  }
};

struct SingleConv : Module {
  std::shared_ptr<GroupNorm> groupnorm;
  std::shared_ptr<Conv> conv;
  std::shared_ptr<BatchNorm> batchnorm;
  bool relu;
  SingleConv(const tvx_arch &arch, int64_t in, int64_t out, bool relu) : relu(relu) {
    if (arch.order == TVX_ORDER_GCR) {
      groupnorm = register_module("groupnorm", std::make_shared<GroupNorm>(in, groups_for(arch, in)));
    }
    conv = register_module("conv", std::make_shared<Conv>(in, out, 3, false));
    if (arch.order == TVX_ORDER_CBR) batchnorm = register_module("batchnorm", std::make_shared<BatchNorm>(out));
  }
  at::Tensor forward(at::Tensor x) {
    if (groupnorm) x = groupnorm->forward(x);
    x = conv->forward(x);
    if (batchnorm) x = batchnorm->forward(x);
    return relu ? x.relu_() : x;
  }
};

// DoubleConv, or ResNetBlock when the architecture is residual.
struct Block : Module {
  std::shared_ptr<SingleConv> first, second;
  std::shared_ptr<Conv> project;
  bool residual;
  Block(const tvx_arch &arch, const BlockChannels &c) : residual(arch.residual != 0) {
    if (residual) {
      if (c.in != c.out) project = register_module("conv1", std::make_shared<Conv>(c.in, c.out, 1, true));
      first = register_module("conv2", std::make_shared<SingleConv>(arch, c.out, c.out, true));
      second = register_module("conv3", std::make_shared<SingleConv>(arch, c.out, c.out, false));
    } else {
      first = register_module("SingleConv1", std::make_shared<SingleConv>(arch, c.in, c.middle, true));
      second = register_module("SingleConv2", std::make_shared<SingleConv>(arch, c.middle, c.out, true));
    }
  }
  at::Tensor forward(at::Tensor x, const std::function<void()> &poll) {
    if (project) x = project->forward(x);
    at::Tensor y = first->forward(x);
    if (poll) poll();
    y = second->forward(y);
    if (poll) poll();
    return residual ? y.add_(x).relu_() : y;
  }
};

struct Encoder : Module {
  std::shared_ptr<Block> block;
  Triple pool = {1, 1, 1};
  bool pools;
  Encoder(const tvx_arch &arch, int level) : pools(level > 0) {
    if (pools) pool = pool_factors(arch, level - 1);
    block = register_module("basic_module", std::make_shared<Block>(arch, encoder_channels(arch, level)));
  }
  at::Tensor forward(const at::Tensor &x, const std::function<void()> &poll) {
    return block->forward(pools ? at::max_pool3d(x, pool, pool) : x, poll);
  }
};

struct Decoder : Module {
  std::shared_ptr<TransposedConv> transposed;
  std::shared_ptr<Block> block;
  bool residual;
  Decoder(const tvx_arch &arch, int level) : residual(arch.residual != 0) {
    if (arch.upsample != TVX_UPSAMPLE_NEAREST) {
      transposed = std::make_shared<TransposedConv>(arch, level);
      // The two empty modules give the name that pytorch-3dunet's nesting gives.
      auto outer = register_module("upsampling", std::make_shared<Module>());
      outer->register_module("upsample", std::make_shared<Module>())->register_module("conv_transposed", transposed);
    }
    block = register_module("basic_module", std::make_shared<Block>(arch, decoder_channels(arch, level)));
  }
  at::Tensor forward(const at::Tensor &skip, const at::Tensor &x, const std::function<void()> &poll) {
    at::IntArrayRef size = skip.sizes().slice(2);
    at::Tensor up = transposed ? transposed->forward(x, size) : at::upsample_nearest3d(x, size);
    return block->forward(residual ? skip + up : at::cat({skip, up}, 1), poll);
  }
};

}  // namespace

UNet3d::UNet3d(const tvx_arch &arch) : arch_(arch) {
  auto encoders = register_module("encoders", std::make_shared<Module>());
  for (int level = 0; level < arch.levels; ++level) {
    encoders_.push_back(encoders->register_module(std::to_string(level), std::make_shared<Encoder>(arch, level)));
  }
  auto decoders = register_module("decoders", std::make_shared<Module>());
  for (int j = 0; j < arch.levels - 1; ++j) {
    decoders_.push_back(
        decoders->register_module(std::to_string(j), std::make_shared<Decoder>(arch, arch.levels - 2 - j)));
  }
  final_conv_ = register_module("final_conv", std::make_shared<Conv>(channels(arch, 0), arch.out_channels, 1, true));
}

at::Tensor UNet3d::forward(const at::Tensor &input, const std::function<void()> &poll) {
  std::vector<at::Tensor> skips;
  at::Tensor x = input;
  for (auto &encoder : encoders_) {
    x = static_cast<Encoder &>(*encoder).forward(x, poll);
    skips.push_back(x);
  }
  skips.pop_back();
  for (auto &decoder : decoders_) {
    x = static_cast<Decoder &>(*decoder).forward(skips.back(), x, poll);
    skips.pop_back();
  }
  return static_cast<Conv &>(*final_conv_).forward(x);
}

std::shared_ptr<UNet3d> make_unet(const tvx_arch &arch, uint64_t seed) {
  validate(arch);
  auto net = std::make_shared<UNet3d>(arch);
  at::NoGradGuard no_grad;
  at::Generator generator = at::detail::createCPUGenerator(seed);
  int64_t fan_in = 1;
  for (auto &[name, tensor] : named_tensors(*net)) {
    if (name.find("norm.") != std::string::npos) continue;
    // PyTorch's kaiming_uniform with a = sqrt(5). A bias follows its weight and shares its range. PyTorch counts
    // dimension 1 as fan-in for transposed convolutions too.
    if (tensor.dim() > 1) fan_in = tensor.size(1) * tensor[0][0].numel();
    double bound = 1 / std::sqrt(static_cast<double>(fan_in));
    tensor.uniform_(-bound, bound, generator);
  }
  return net;
}

NamedTensors named_tensors(UNet3d &net) {
  std::unordered_map<std::string, at::Tensor> by_name;
  for (auto &item : net.named_parameters()) by_name[item.key()] = item.value();
  for (auto &item : net.named_buffers()) by_name[item.key()] = item.value();
  NamedTensors tensors;
  for (const TensorSpec &spec : tensor_specs(net.arch())) tensors.emplace_back(spec.name, by_name.at(spec.name));
  return tensors;
}

NamedTensors copy_tensors(UNet3d &net) {
  NamedTensors copies = named_tensors(net);
  for (auto &item : copies) item.second = item.second.detach().to(at::kCPU, false, true).contiguous();
  return copies;
}

void load_tensors(UNet3d &net, const NamedTensors &tensors) {
  at::NoGradGuard no_grad;
  NamedTensors matched = match_tensors(net.arch(), tensors);
  NamedTensors own = named_tensors(net);
  for (size_t i = 0; i < own.size(); ++i) own[i].second.copy_(matched[i].second);
}

NamedTensors match_tensors(const tvx_arch &arch, const NamedTensors &tensors) {
  std::unordered_map<std::string, at::Tensor> by_name(tensors.begin(), tensors.end());
  std::vector<TensorSpec> specs = tensor_specs(arch);
  NamedTensors matched;
  for (const TensorSpec &spec : specs) {
    auto found = by_name.find(spec.name);
    if (found == by_name.end()) throw Error(TVX_MISMATCH, "tensor " + spec.name + " is missing");
    const at::Tensor &tensor = found->second;
    if (tensor.sizes() != at::IntArrayRef(spec.shape)) {
      throw Error(TVX_MISMATCH, "tensor " + spec.name + " has shape " + text_of(tensor.sizes()) +
                                    ", the architecture asks for " + text_of(spec.shape));
    }
    if (tensor.scalar_type() != spec.type) {
      throw Error(TVX_MISMATCH, "tensor " + spec.name + " has type " + c10::toString(tensor.scalar_type()) +
                                    ", the architecture asks for " + c10::toString(spec.type));
    }
    matched.emplace_back(spec.name, tensor.contiguous());
    by_name.erase(found);
  }
  if (!by_name.empty()) {
    throw Error(TVX_MISMATCH, "tensor " + by_name.begin()->first + " does not belong to the architecture");
  }
  return matched;
}

}  // namespace teravox
