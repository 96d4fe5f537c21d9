// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "teravox.h"
#include "unet.h"

// Weights and what they belong to. Never changed once made, so any number of threads may read it.
struct tvx_model {
  tvx_arch arch;
  teravox::NamedTensors tensors;  // order of tensor_specs; contiguous, on the CPU, owned by the model alone
  std::string card;               // JSON, or "" when there is none
};
