// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>
#include <torch/autograd.h>

#include "conv.h"
#include "device.h"

// glog, which libtorch brings, has macros of these names.
#undef CHECK
#include "check.h"

namespace {

double difference(const at::Tensor &a, const at::Tensor &b) {
  return (a - b).abs().max().item<double>() / (1 + b.abs().max().item<double>());
}

}  // namespace

TEST(conv3d_same_agrees_with_libtorch_in_value_and_gradients) {
  teravox::use_threads(2);
  at::manual_seed(1);
  const std::vector<std::vector<int64_t>> cases = {
      // batch, in, out, kernel, z, y, x
      {1, 1, 16, 3, 8, 12, 20}, {1, 17, 5, 3, 4, 7, 9}, {2, 32, 32, 3, 4, 8, 8},
      {1, 48, 16, 3, 1, 6, 5},  {1, 16, 8, 1, 4, 5, 6}, {1, 128, 64, 3, 2, 4, 4},
  };
  for (const auto &c : cases) {
    for (const bool with_bias : {false, true}) {
      at::Tensor x = at::randn({c[0], c[1], c[4], c[5], c[6]}), w = at::randn({c[2], c[1], c[3], c[3], c[3]});
      at::Tensor bias = with_bias ? at::randn({c[2]}) : at::Tensor();
      const at::Tensor pull = at::randn({c[0], c[2], c[4], c[5], c[6]});
      std::vector<at::Tensor> leaves = {x, w};
      if (with_bias) leaves.push_back(bias);
      for (at::Tensor &leaf : leaves) leaf.requires_grad_();
      const at::Tensor ours = teravox::conv3d_same(x, w, bias);
      const at::Tensor theirs = at::conv3d(x, w, bias, 1, (c[3] - 1) / 2);
      CHECK(difference(ours.detach(), theirs.detach()) < 1e-5);
      const auto a = torch::autograd::grad({ours}, leaves, {pull}), b = torch::autograd::grad({theirs}, leaves, {pull});
      for (size_t i = 0; i < leaves.size(); ++i) CHECK(difference(a[i], b[i]) < 1e-5);
    }
  }
}

TEST(conv3d_same_takes_views) {
  const at::Tensor x = at::randn({1, 4, 6, 8, 10}).transpose(3, 4),
                   w = at::randn({3, 3, 3, 2, 4}).permute({3, 4, 0, 1, 2});
  CHECK(difference(teravox::conv3d_same(x, w, {}), at::conv3d(x, w, {}, 1, 1)) < 1e-5);
}

CHECK_MAIN
