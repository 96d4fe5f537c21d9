// SPDX-License-Identifier: Apache-2.0
#include "conv.h"

#include <ATen/Config.h>
#include <ATen/native/ConvUtils.h>
#include <torch/autograd.h>
#include <torch/version.h>

#include <array>
#include <vector>

namespace teravox {
namespace {

std::vector<int64_t> same_padding(const at::Tensor &weight) {
  return {(weight.size(2) - 1) / 2, (weight.size(3) - 1) / 2, (weight.size(4) - 1) / 2};
}

#if AT_MKLDNN_ENABLED() && TORCH_VERSION_MAJOR == 1
// libtorch 1.13 hands a 3-D convolution to oneDNN only when batch * channels * z * y > 20480 (a rule made for images),
// and all others, more than half of a U-Net's at usual patch sizes, to an unfolding that is 4 to 10 times as slow.
// Calling oneDNN's kernels by name goes round that rule; the backward pass has no name but its entry in the table of
// kernels.
struct OneDnnConv : torch::autograd::Function<OneDnnConv> {
  static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &x, const at::Tensor &weight,
                            const at::Tensor &bias) {
    context->save_for_backward({x, weight, bias});
    at::AutoDispatchBelowADInplaceOrView below;
    return at::mkldnn_convolution(x, weight, bias, same_padding(weight), {1, 1, 1}, {1, 1, 1}, 1);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                 const torch::autograd::variable_list &gradients) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &bias = saved[2];
    const std::array<bool, 3> wanted = {context->needs_input_grad(0), context->needs_input_grad(1), bias.defined()};
    const std::vector<int64_t> ones = {1, 1, 1};
    auto [dx, dweight, dbias] = at::native::mkldnn_convolution_backward_stub(
        at::kCPU, x, gradients[0].contiguous(), weight, same_padding(weight), ones, ones, 1, wanted);
    return {dx, dweight, dbias};
  }
};

bool takes_onednn(const at::Tensor &x) {
  return x.device().is_cpu() && x.scalar_type() == at::kFloat && at::globalContext().userEnabledMkldnn();
}
#endif

}  // namespace

at::Tensor conv3d_same(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias) {
#if AT_MKLDNN_ENABLED() && TORCH_VERSION_MAJOR == 1
  if (takes_onednn(x)) return OneDnnConv::apply(x.contiguous(), weight, bias);
#endif
  return at::conv3d(x, weight, bias, 1, same_padding(weight));
}

}  // namespace teravox
