// SPDX-License-Identifier: Apache-2.0
#include "trainer.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/autograd.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "arch.h"
#include "augment.h"
#include "device.h"
#include "guard.h"
#include "safetensors.h"

namespace teravox {
namespace {

using nlohmann::json;

constexpr uint8_t kIgnored = 255;
constexpr const char *kArchKey = "teravox.arch";
constexpr const char *kTrainerKey = "teravox.trainer";
constexpr const char *kMeanPrefix = "adam.mean.";
constexpr const char *kSquarePrefix = "adam.square.";

template <typename Number, size_t N>
json to_json(const Number (&values)[N]) {
  return json(std::vector<Number>(values, values + N));
}

template <typename Number, size_t N>
void from_json(const json &from, Number (&values)[N]) {
  const auto numbers = from.get<std::vector<Number>>();
  if (numbers.size() != N) throw Error(TVX_BAD_FORMAT, "a list has another length");
  std::copy(numbers.begin(), numbers.end(), values);
}

json to_json(const tvx_augment_options &o) {
  return {{"spacing", to_json(o.spacing)},
          {"flip_probability", to_json(o.flip_probability)},
          {"rotation_probability", o.rotation_probability},
          {"rotation_degrees", to_json(o.rotation_degrees)},
          {"scaling_probability", o.scaling_probability},
          {"scaling_range", to_json(o.scaling_range)},
          {"elastic_probability", o.elastic_probability},
          {"elastic_amplitude", o.elastic_amplitude},
          {"elastic_spacing", o.elastic_spacing},
          {"contrast_probability", o.contrast_probability},
          {"contrast_range", to_json(o.contrast_range)},
          {"noise_probability", o.noise_probability},
          {"noise_range", to_json(o.noise_range)},
          {"blur_probability", o.blur_probability},
          {"blur_range", to_json(o.blur_range)},
          {"sharpen_probability", o.sharpen_probability},
          {"sharpen_range", to_json(o.sharpen_range)}};
}

tvx_augment_options augment_from_json(const json &from) {
  tvx_augment_options o{};
  from_json(from.at("spacing"), o.spacing);
  from_json(from.at("flip_probability"), o.flip_probability);
  from.at("rotation_probability").get_to(o.rotation_probability);
  from_json(from.at("rotation_degrees"), o.rotation_degrees);
  from.at("scaling_probability").get_to(o.scaling_probability);
  from_json(from.at("scaling_range"), o.scaling_range);
  from.at("elastic_probability").get_to(o.elastic_probability);
  from.at("elastic_amplitude").get_to(o.elastic_amplitude);
  from.at("elastic_spacing").get_to(o.elastic_spacing);
  from.at("contrast_probability").get_to(o.contrast_probability);
  from_json(from.at("contrast_range"), o.contrast_range);
  from.at("noise_probability").get_to(o.noise_probability);
  from_json(from.at("noise_range"), o.noise_range);
  from.at("blur_probability").get_to(o.blur_probability);
  from_json(from.at("blur_range"), o.blur_range);
  from.at("sharpen_probability").get_to(o.sharpen_probability);
  from_json(from.at("sharpen_range"), o.sharpen_range);
  return o;
}

json to_json(const tvx_train_options &o) {
  return {{"learning_rate", o.learning_rate},
          {"beta1", o.beta1},
          {"beta2", o.beta2},
          {"epsilon", o.epsilon},
          {"weight_decay", o.weight_decay},
          {"seed", o.seed},
          {"target_class", o.target_class},
          {"patch", to_json(o.patch)},
          {"augment", to_json(o.augment)}};
}

tvx_train_options train_from_json(const json &from) {
  tvx_train_options o{};
  from.at("learning_rate").get_to(o.learning_rate);
  from.at("beta1").get_to(o.beta1);
  from.at("beta2").get_to(o.beta2);
  from.at("epsilon").get_to(o.epsilon);
  from.at("weight_decay").get_to(o.weight_decay);
  from.at("seed").get_to(o.seed);
  from.at("target_class").get_to(o.target_class);
  from_json(from.at("patch"), o.patch);
  o.augment = augment_from_json(from.at("augment"));
  return o;
}

// Takes the tensor out of the map. Throws TVX_MISMATCH when it is missing or differs in shape or type from `like`.
at::Tensor take(std::unordered_map<std::string, at::Tensor> *tensors, const std::string &name, const at::Tensor &like) {
  auto found = tensors->find(name);
  if (found == tensors->end()) throw Error(TVX_MISMATCH, "tensor " + name + " is missing");
  at::Tensor tensor = found->second;
  if (tensor.sizes() != like.sizes() || tensor.scalar_type() != like.scalar_type()) {
    throw Error(TVX_MISMATCH, "tensor " + name + " has another shape or type than the weights it belongs to");
  }
  tensors->erase(found);
  return tensor;
}

void require_number(bool good, const char *field, const char *range) {
  if (!good) throw Error(TVX_BAD_ARGUMENT, std::string("training: ") + field + " must be " + range);
}

}  // namespace

tvx_train_options default_train_options() {
  tvx_train_options o{};
  o.learning_rate = 4e-4;
  o.beta1 = 0.9;
  o.beta2 = 0.999;
  o.epsilon = 1e-8;
  o.target_class = TVX_MULTICLASS;
  o.patch[0] = 32;
  o.patch[1] = o.patch[2] = 64;
  o.augment = default_augment_options();
  return o;
}

void validate(const tvx_train_options &o, const tvx_arch &arch) {
  // Comparisons are written so that NaN fails them.
  require_number(o.learning_rate > 0 && o.learning_rate <= 1e3, "learning_rate", "above 0 and at most 1000");
  require_number(o.beta1 >= 0 && o.beta1 < 1, "beta1", "0 or more and below 1");
  require_number(o.beta2 >= 0 && o.beta2 < 1, "beta2", "0 or more and below 1");
  require_number(o.epsilon > 0 && o.epsilon <= 1, "epsilon", "above 0 and at most 1");
  require_number(o.weight_decay >= 0 && o.weight_decay <= 1e3, "weight_decay", "0 to 1000");
  if (arch.in_channels != 1) throw Error(TVX_BAD_SHAPE, "training: the network must have 1 input channel");
  if (o.target_class == TVX_MULTICLASS ? arch.out_channels < 2 : arch.out_channels != 1) {
    throw Error(TVX_BAD_SHAPE, "training: a network with 1 output learns one target class, a network with " +
                                   std::string("several learns all classes; this one has ") +
                                   std::to_string(arch.out_channels) + " outputs and target_class " +
                                   std::to_string(o.target_class));
  }
  if (o.target_class != TVX_MULTICLASS) {
    require_number(o.target_class >= 0 && o.target_class < kIgnored, "target_class", "0 to 254, or TVX_MULTICLASS");
  } else if (arch.out_channels > kIgnored) {
    throw Error(TVX_BAD_SHAPE, "training: at most 255 classes can be told apart");
  }
  validate(o.augment);
  const Triple patch = {o.patch[0], o.patch[1], o.patch[2]};
  validate_patch(o.augment, patch);
  const Triple grid = grid_of(arch);
  int64_t coarsest = 1;
  for (int k = 0; k < 3; ++k) {
    if (patch[k] % grid[k] != 0) {
      throw Error(TVX_BAD_SHAPE, "training: the patch has " + std::to_string(patch[k]) + " voxels along axis " +
                                     "zyx"[k] + ", but must have a multiple of the network's grid, " +
                                     std::to_string(grid[k]));
    }
    coarsest *= patch[k] / grid[k];
  }
  if (coarsest < 2) {
    throw Error(TVX_BAD_SHAPE,
                "training: the patch holds one voxel of the coarsest level, which has no variance to "
                "normalise by; take a larger patch");
  }
}

Trainer::Trainer(const tvx_arch &arch, const NamedTensors &weights, const tvx_train_options &options,
                 const std::string &device, int32_t threads)
    : options_(options), device_(parse_device(device)), threads_(threads) {
  validate(options, arch);
  use_threads(threads);
  net_ = std::make_shared<UNet3d>(arch);
  load_tensors(*net_, weights);
  net_->to(device_);
  net_->train();
  for (auto &[name, tensor] : named_tensors(*net_)) {
    if (!tensor.requires_grad()) continue;
    parameters_.push_back({name, tensor, at::zeros_like(tensor.detach()), at::zeros_like(tensor.detach())});
    // The backward pass has no other place between layers at which the caller can be asked.
    tensor.register_hook([this](const at::Tensor &) { poll_abort(callbacks_); });
  }
}

void Trainer::check_labels(const at::Tensor &labels) const {
  if (options_.target_class != TVX_MULTICLASS) return;
  const uint8_t *label = labels.data_ptr<uint8_t>();
  const int64_t classes = net_->arch().out_channels;
  for (int64_t i = 0; i < labels.numel(); ++i) {
    if (label[i] >= classes && label[i] != kIgnored) {
      throw Error(TVX_BAD_ARGUMENT, "a patch has label " + std::to_string(label[i]) + ", but the network's " +
                                        std::to_string(classes) + " classes end at " + std::to_string(classes - 1));
    }
  }
}

double Trainer::step(const tvx_block *blocks, int32_t count, const tvx_callbacks *callbacks) {
  use_threads(threads_);
  const Triple patch = {options_.patch[0], options_.patch[1], options_.patch[2]};
  for (int32_t k = 0; k < count; ++k) validate_block(options_.augment, patch, blocks[k], true);
  poll_abort(callbacks);

  at::Tensor raw = at::empty({count, 1, patch[0], patch[1], patch[2]}, at::kFloat);
  at::Tensor labels = at::empty({count, patch[0], patch[1], patch[2]}, at::kByte);
  const int64_t voxels = patch[0] * patch[1] * patch[2];
  for (int32_t k = 0; k < count; ++k) {
    const uint64_t draw = static_cast<uint64_t>(iteration_) * static_cast<uint64_t>(count) + static_cast<uint64_t>(k);
    augment(options_.augment, options_.seed, draw, blocks[k], patch, raw.data_ptr<float>() + k * voxels,
            labels.data_ptr<uint8_t>() + k * voxels);
  }
  check_labels(labels);
  const uint8_t *label = labels.data_ptr<uint8_t>();
  const int64_t labelled = labels.numel() - std::count(label, label + labels.numel(), kIgnored);
  if (labelled == 0) {
    ++iteration_;
    return 0;
  }

  // Batch norm's running statistics change during the pass, before it is known whether the step will be made.
  std::vector<at::Tensor> before;
  for (const at::Tensor &buffer : net_->buffers()) before.push_back(buffer.clone());
  callbacks_ = callbacks;
  try {
    const double loss = loss_and_gradients(raw.to(device_), labels.to(device_), labelled);
    update();
    callbacks_ = nullptr;
    drop_gradients();
    ++iteration_;
    report_progress(callbacks, 1);
    return loss;
  } catch (...) {
    callbacks_ = nullptr;
    drop_gradients();
    at::NoGradGuard no_grad;
    const std::vector<at::Tensor> buffers = net_->buffers();
    for (size_t i = 0; i < buffers.size(); ++i) buffers[i].copy_(before[i]);
    throw;
  }
}

double Trainer::loss_and_gradients(const at::Tensor &raw, const at::Tensor &labels, int64_t labelled) {
  const at::Tensor logits = net_->forward(raw, [this] { poll_abort(callbacks_); });
  report_progress(callbacks_, 1.0 / 3);
  at::Tensor gradient;
  double loss;
  {
    // The loss and its gradient by hand: sum of softplus(x) - x t over classes and labelled voxels, and
    // sigmoid(x) - t, both over classes * labelled voxels.
    at::NoGradGuard no_grad;
    const int64_t classes = logits.size(1);
    const int64_t first = options_.target_class == TVX_MULTICLASS ? 0 : options_.target_class;
    const at::Tensor ids =
        at::arange(first, first + classes, at::TensorOptions(at::kByte).device(device_)).view({1, classes, 1, 1, 1});
    const at::Tensor target = labels.unsqueeze(1).eq(ids).to(at::kFloat);
    const at::Tensor ignored = labels.unsqueeze(1).eq(kIgnored);
    const double scale = 1 / (static_cast<double>(classes) * static_cast<double>(labelled));
    const at::Tensor each = at::softplus(logits).sub_(logits * target).masked_fill_(ignored, 0);
    loss = each.sum(at::kDouble).item<double>() * scale;
    gradient = at::sigmoid(logits).sub_(target).masked_fill_(ignored, 0).mul_(scale);
  }
  bool finite = std::isfinite(loss);
  if (finite) {
    logits.backward(gradient);
    at::Tensor sum = at::zeros({}, at::TensorOptions(at::kDouble).device(device_));
    for (const Parameter &p : parameters_) sum += p.value.grad().sum(at::kDouble);
    finite = std::isfinite(sum.item<double>());
  }
  if (!finite) {
    std::string rate = json(options_.learning_rate).dump();
    throw Error(TVX_BAD_ARGUMENT, "the loss is not finite in iteration " + std::to_string(iteration_) +
                                      "; lower the learning rate, which is " + rate);
  }
  return loss;
}

// Adam as in torch.optim.Adam (Kingma and Ba 2015, algorithm 1, with weight decay as an L2 penalty).
void Trainer::update() {
  at::NoGradGuard no_grad;
  const tvx_train_options &o = options_;
  const double n = static_cast<double>(updates_ + 1);
  const double rate = o.learning_rate / (1 - std::pow(o.beta1, n));
  const double root_correction = std::sqrt(1 - std::pow(o.beta2, n));
  for (Parameter &p : parameters_) {
    at::Tensor gradient = p.value.grad().contiguous();
    if (!device_.is_cpu()) {
      if (o.weight_decay != 0) gradient = gradient.add(p.value, o.weight_decay);
      p.mean.mul_(o.beta1).add_(gradient, 1 - o.beta1);
      p.square.mul_(o.beta2).addcmul_(gradient, gradient, 1 - o.beta2);
      p.value.addcdiv_(p.mean, p.square.sqrt().div_(root_correction).add_(o.epsilon), -rate);
      continue;
    }
    // One pass over memory instead of eight.
    float *value = p.value.data_ptr<float>(), *mean = p.mean.data_ptr<float>(), *square = p.square.data_ptr<float>();
    const float *grad = gradient.data_ptr<float>();
    const auto beta1 = static_cast<float>(o.beta1), beta2 = static_cast<float>(o.beta2);
    const auto rest1 = static_cast<float>(1 - o.beta1), rest2 = static_cast<float>(1 - o.beta2);
    const auto decay = static_cast<float>(o.weight_decay), epsilon = static_cast<float>(o.epsilon);
    const auto step = static_cast<float>(rate), root = static_cast<float>(1 / root_correction);
    at::parallel_for(0, p.value.numel(), 1 << 16, [=](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const float g = grad[i] + decay * value[i];
        mean[i] = beta1 * mean[i] + rest1 * g;
        square[i] = beta2 * square[i] + rest2 * g * g;
        value[i] -= step * mean[i] / (std::sqrt(square[i]) * root + epsilon);
      }
    });
  }
  ++updates_;
}

void Trainer::drop_gradients() {
  for (Parameter &p : parameters_) p.value.mutable_grad() = at::Tensor();
}

tvx_model Trainer::snapshot() const {
  return tvx_model{net_->arch(), copy_tensors(*net_), ""};
}

void Trainer::save(const std::string &path) const {
  NamedTensors tensors = copy_tensors(*net_);
  for (const Parameter &p : parameters_) tensors.emplace_back(kMeanPrefix + p.name, p.mean);
  for (const Parameter &p : parameters_) tensors.emplace_back(kSquarePrefix + p.name, p.square);
  const json state = {{"iteration", iteration_}, {"updates", updates_}, {"options", to_json(options_)}};
  write_safetensors(path, tensors, {{kArchKey, arch_to_json(net_->arch())}, {kTrainerKey, state.dump()}});
}

std::unique_ptr<Trainer> Trainer::load(const std::string &path, const std::string &device, int32_t threads) {
  parse_device(device);  // before a large file is read
  SafetensorsFile file = read_safetensors(path);
  try {
    if (file.metadata.count(kTrainerKey) == 0 || file.metadata.count(kArchKey) == 0) {
      throw Error(TVX_BAD_FORMAT, "is not a checkpoint of a Teravox trainer");
    }
    const tvx_arch arch = arch_from_json(file.metadata[kArchKey]);
    validate(arch);
    const json state = json::parse(file.metadata[kTrainerKey]);
    const tvx_train_options options = train_from_json(state.at("options"));
    std::unordered_map<std::string, at::Tensor> left(file.tensors.begin(), file.tensors.end());
    NamedTensors weights;
    std::vector<std::pair<at::Tensor, at::Tensor>> moments;
    for (const TensorSpec &spec : tensor_specs(arch)) {
      const at::Tensor like = at::empty(spec.shape, at::TensorOptions(spec.type).device(at::kMeta));
      weights.emplace_back(spec.name, take(&left, spec.name, like));
      if (!spec.trainable) continue;
      at::Tensor mean = take(&left, kMeanPrefix + spec.name, like);
      moments.emplace_back(std::move(mean), take(&left, kSquarePrefix + spec.name, like));
    }
    if (!left.empty()) throw Error(TVX_MISMATCH, "tensor " + left.begin()->first + " does not belong to the network");
    auto trainer = std::make_unique<Trainer>(arch, weights, options, device, threads);
    for (size_t i = 0; i < moments.size(); ++i) {
      trainer->parameters_[i].mean.copy_(moments[i].first);
      trainer->parameters_[i].square.copy_(moments[i].second);
    }
    state.at("iteration").get_to(trainer->iteration_);
    state.at("updates").get_to(trainer->updates_);
    if (trainer->updates_ < 0 || trainer->iteration_ < trainer->updates_) {
      throw Error(TVX_BAD_FORMAT, "has an impossible iteration count");
    }
    return trainer;
  } catch (const Error &e) {
    throw Error(e.status(), path + ": " + e.what());
  } catch (const json::exception &) {
    throw Error(TVX_BAD_FORMAT, path + ": its " + kTrainerKey + " entry is damaged");
  }
}

}  // namespace teravox
