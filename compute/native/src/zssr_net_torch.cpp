// SPDX-License-Identifier: Apache-2.0
#include <torch/autograd.h>

#include <cmath>
#include <limits>

#include "zssr_net.h"

namespace teravox {
namespace {

constexpr double kBeta1 = .9, kBeta2 = .999, kEpsilon = 1e-8;

class TorchNet final : public ZssrNet {
 public:
  explicit TorchNet(const c10::Device &device) : device_(device) {}

  std::vector<at::Tensor> weights() const override {
    std::vector<at::Tensor> result;
    for (const Parameter &p : parameters_) result.push_back(p.value.detach().to(at::kCPU, at::kFloat, false, true));
    return result;
  }

  void set(const std::vector<at::Tensor> &weights) override {
    parameters_.clear();
    updates_ = 0;
    for (const at::Tensor &w : weights) {
      at::Tensor value = w.detach().to(device_, at::kFloat, false, true);
      parameters_.push_back({value.requires_grad_(), at::zeros_like(value.detach()), at::zeros_like(value.detach())});
    }
  }

  double learn(const Plane &input, const Plane &target, const Plane &inside, int64_t count) override {
    for (Parameter &p : parameters_) p.value.mutable_grad() = at::Tensor();
    const at::Tensor output = run(tensor(input));
    const at::Tensor loss = ((output - tensor(target)) * tensor(inside)).abs().sum() / static_cast<double>(count);
    loss.backward();
    at::Tensor sum = loss.detach().to(at::kDouble);
    for (const Parameter &p : parameters_) sum = sum + p.value.grad().sum(at::kDouble);
    const bool finite = std::isfinite(sum.item<double>());
    return finite ? loss.item<double>() : std::numeric_limits<double>::quiet_NaN();
  }

  std::vector<at::Tensor> gradients() const override {
    std::vector<at::Tensor> result;
    for (const Parameter &p : parameters_) result.push_back(p.value.grad().to(at::kCPU, at::kFloat, false, true));
    return result;
  }

  // Adam as in torch.optim.Adam (Kingma and Ba 2015, algorithm 1).
  void update(double rate) override {
    at::NoGradGuard no_grad;
    const double n = static_cast<double>(++updates_);
    const double step = rate / (1 - std::pow(kBeta1, n)), root_correction = std::sqrt(1 - std::pow(kBeta2, n));
    for (Parameter &p : parameters_) {
      const at::Tensor &gradient = p.value.grad();
      p.mean.mul_(kBeta1).add_(gradient, 1 - kBeta1);
      p.square.mul_(kBeta2).addcmul_(gradient, gradient, 1 - kBeta2);
      p.value.addcdiv_(p.mean, p.square.sqrt().div_(root_correction).add_(kEpsilon), -step);
    }
  }

  Plane forward(const Plane &input) override {
    at::NoGradGuard no_grad;
    const at::Tensor output = run(tensor(input)).cpu().contiguous();
    Plane result(input.y, input.x);
    std::copy_n(output.data_ptr<float>(), output.numel(), result.pixels.begin());
    return result;
  }

 private:
  struct Parameter {
    at::Tensor value, mean, square;
  };

  at::Tensor tensor(const Plane &plane) const {
    return at::from_blob(const_cast<float *>(plane.pixels.data()), {1, 1, plane.y, plane.x}, at::kFloat).to(device_);
  }

  at::Tensor run(const at::Tensor &input) const {
    at::Tensor x = input;
    for (size_t layer = 0; layer < parameters_.size(); ++layer) {
      x = at::conv2d(x, parameters_[layer].value, {}, 1, 1);
      if (layer + 1 < parameters_.size()) x = at::relu(x);
    }
    return x + input;
  }

  c10::Device device_;
  std::vector<Parameter> parameters_;
  int64_t updates_ = 0;
};

}  // namespace

std::unique_ptr<ZssrNet> ZssrNet::by_torch(const c10::Device &device) {
  return std::make_unique<TorchNet>(device);
}

}  // namespace teravox
