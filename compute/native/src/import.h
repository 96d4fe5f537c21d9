// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "model.h"

namespace teravox {

// Reads a checkpoint that torch.save wrote (zip format) as a model. See tvx_model_import.
tvx_model import_checkpoint(const std::string &path, const int32_t (*pool)[3]);

}  // namespace teravox
