// SPDX-License-Identifier: Apache-2.0
//
// A model's weights in the form that inference uses: batch norm folded into the convolutions before it.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "model.h"

namespace teravox {

// conv(norm(x)) + bias, then ReLU if asked. Batch norm lies in weight and bias already; group norm stays apart.
struct FoldedConv {
  at::Tensor weight;       // float (out, in, k, k, k)
  at::Tensor bias;         // float (out), or undefined
  at::Tensor gamma, beta;  // group norm's, float (in), or undefined
  int64_t groups = 0;
  bool relu = false;
};

// DoubleConv, or a residual block: relu(second(first(p)) + p) with p = project(x), or x where there is no project.
struct FoldedBlock {
  FoldedConv project;  // weight undefined where there is none
  FoldedConv first, second;
};

struct FoldedNet {
  tvx_arch arch;
  std::vector<FoldedBlock> encoders;   // by level
  std::vector<FoldedBlock> decoders;   // by level, one less
  std::vector<at::Tensor> transposed;  // by level: (in, out, kz, ky, kx), undefined with nearest upsampling
  FoldedConv final_conv;
};

FoldedNet fold(const tvx_model &model);

}  // namespace teravox
