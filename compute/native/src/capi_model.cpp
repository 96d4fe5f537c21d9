// SPDX-License-Identifier: Apache-2.0
//
// The entries of teravox.h for the library itself, architectures and models.
#include <nlohmann/json.hpp>

#include "arch.h"
#include "device.h"
#include "guard.h"
#include "model.h"
#include "safetensors.h"

using teravox::Error;
using teravox::guard;
using teravox::require;

namespace {

constexpr const char *kArchKey = "teravox.arch";
constexpr const char *kCardKey = "teravox.card";

}  // namespace

int32_t tvx_abi_version(void) {
  return TVX_ABI_VERSION;
}

const char *tvx_build_info(void) {
  return teravox::build_info();
}

int32_t tvx_cuda_device_count(void) {
  return teravox::cuda_device_count();
}

void tvx_arch_defaults(tvx_arch *arch) {
  if (arch == nullptr) return;
  *arch = tvx_arch{};
  arch->in_channels = 1;
  arch->out_channels = 1;
  arch->levels = 4;
  arch->f_maps = 32;
  arch->order = TVX_ORDER_CBR;
  arch->num_groups = 8;
  arch->upsample = TVX_UPSAMPLE_NEAREST;
  for (auto &factors : arch->pool) {
    for (int32_t &factor : factors) factor = 2;
  }
}

tvx_status tvx_arch_reach(const tvx_arch *arch, int32_t reach[3], int32_t grid[3]) {
  return guard([&] {
    require(arch, "arch");
    require(reach, "reach");
    require(grid, "grid");
    teravox::validate(*arch);
    teravox::Triple r = teravox::reach_of(*arch), g = teravox::grid_of(*arch);
    for (int axis = 0; axis < 3; ++axis) {
      reach[axis] = static_cast<int32_t>(r[axis]);
      grid[axis] = static_cast<int32_t>(g[axis]);
    }
  });
}

tvx_status tvx_model_create(const tvx_arch *arch, uint64_t seed, tvx_model **model) {
  return guard([&] {
    require(arch, "arch");
    require(model, "model");
    auto net = teravox::make_unet(*arch, seed);
    *model = new tvx_model{*arch, teravox::copy_tensors(*net), ""};
  });
}

tvx_status tvx_model_load(const char *path, tvx_model **model) {
  return guard([&] {
    require(path, "path");
    require(model, "model");
    teravox::SafetensorsFile file = teravox::read_safetensors(path);
    auto arch_text = file.metadata.find(kArchKey);
    if (arch_text == file.metadata.end()) {
      throw Error(TVX_BAD_FORMAT, std::string(path) + ": is a safetensors file without " + kArchKey +
                                      ", so not a Teravox model; import a checkpoint of pytorch-3dunet instead");
    }
    try {
      tvx_arch arch = teravox::arch_from_json(arch_text->second);
      *model = new tvx_model{arch, teravox::match_tensors(arch, file.tensors), file.metadata[kCardKey]};
    } catch (const Error &e) {
      throw Error(e.status(), std::string(path) + ": " + e.what());
    }
  });
}

tvx_status tvx_model_save(const tvx_model *model, const char *path, const char *card_json) {
  return guard([&] {
    require(model, "model");
    require(path, "path");
    std::map<std::string, std::string> metadata = {{kArchKey, teravox::arch_to_json(model->arch)}};
    if (card_json != nullptr) {
      if (!nlohmann::json::accept(card_json)) throw Error(TVX_BAD_ARGUMENT, "card_json is not JSON");
      metadata[kCardKey] = card_json;
    }
    teravox::write_safetensors(path, model->tensors, metadata);
  });
}

void tvx_model_free(tvx_model *model) {
  delete model;
}

tvx_status tvx_model_arch(const tvx_model *model, tvx_arch *arch) {
  return guard([&] {
    require(model, "model");
    require(arch, "arch");
    *arch = model->arch;
  });
}

const char *tvx_model_card(const tvx_model *model) {
  return model == nullptr ? "" : model->card.c_str();
}

int64_t tvx_model_parameter_count(const tvx_model *model) {
  if (model == nullptr) return 0;
  int64_t count = 0;
  for (const teravox::TensorSpec &spec : teravox::tensor_specs(model->arch)) {
    int64_t numbers = 1;
    for (int64_t size : spec.shape) numbers *= size;
    if (spec.trainable) count += numbers;
  }
  return count;
}

int32_t tvx_model_tensor_count(const tvx_model *model) {
  return model == nullptr ? 0 : static_cast<int32_t>(model->tensors.size());
}

const char *tvx_model_tensor_name(const tvx_model *model, int32_t index) {
  if (model == nullptr || index < 0 || static_cast<size_t>(index) >= model->tensors.size()) return nullptr;
  return model->tensors[static_cast<size_t>(index)].first.c_str();
}
