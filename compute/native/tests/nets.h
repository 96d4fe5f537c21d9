// SPDX-License-Identifier: Apache-2.0
//
// Small networks and volumes for the tests of inference.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "arch.h"
#include "engine.h"
#include "model.h"
#include "unet.h"

namespace nets {

inline tvx_arch make(int levels, int f_maps, int order, int residual = 0, int upsample = TVX_UPSAMPLE_NEAREST) {
  tvx_arch arch;
  tvx_arch_defaults(&arch);
  arch.levels = levels;
  arch.f_maps = f_maps;
  arch.order = order;
  arch.residual = residual;
  arch.upsample = upsample;
  return arch;
}

inline tvx_arch pooled(tvx_arch arch, int level, int z, int y, int x) {
  arch.pool[level][0] = z;
  arch.pool[level][1] = y;
  arch.pool[level][2] = x;
  return arch;
}

// A model whose norms are not the identity, so that folding them wrongly shows.
inline tvx_model model(const tvx_arch &arch, uint64_t seed = 1) {
  auto net = teravox::make_unet(arch, seed);
  at::NoGradGuard no_grad;
  at::Generator generator = at::detail::createCPUGenerator(seed + 1000);
  for (auto &[name, tensor] : teravox::named_tensors(*net)) {
    if (name.find("norm.") == std::string::npos || tensor.dim() == 0) continue;
    bool scale = name.find("weight") != std::string::npos || name.find("var") != std::string::npos;
    tensor.uniform_(scale ? 0.6 : -0.3, scale ? 1.5 : 0.3, generator);
  }
  return tvx_model{arch, teravox::copy_tensors(*net), ""};
}

struct Volume {
  teravox::Triple shape;
  std::vector<uint8_t> voxels;
  explicit Volume(teravox::Triple shape, unsigned seed = 5) : shape(shape) {
    std::mt19937 random(seed);
    voxels.resize(static_cast<size_t>(shape[0] * shape[1] * shape[2]));
    for (uint8_t &v : voxels) v = static_cast<uint8_t>(random() >> 24);
  }
  // The voxels of a box as a block of their own.
  std::vector<uint8_t> block(const teravox::Box &box) const {
    std::vector<uint8_t> part;
    for (int64_t z = box[0].lo; z < box[0].hi; ++z) {
      for (int64_t y = box[1].lo; y < box[1].hi; ++y) {
        const uint8_t *row = voxels.data() + (z * shape[1] + y) * shape[2];
        part.insert(part.end(), row + box[2].lo, row + box[2].hi);
      }
    }
    return part;
  }
};

constexpr float kMean = 120, kStd = 70;

inline tvx_tile tile(const void *voxels, const teravox::Triple &shape, const teravox::Box &core) {
  tvx_tile t = {voxels, TVX_UINT8, {}, {}, {}, kMean, kStd};
  for (int a = 0; a < 3; ++a) {
    t.shape[a] = shape[static_cast<size_t>(a)];
    t.core_start[a] = core[a].lo;
    t.core_shape[a] = core[a].size();
  }
  return t;
}

// The module's own forward pass over a whole volume: (classes, z, y, x).
inline at::Tensor reference(const tvx_model &model, const Volume &volume) {
  teravox::UNet3d net(model.arch);
  teravox::load_tensors(net, model.tensors);
  net.eval();
  at::NoGradGuard no_grad;
  at::Tensor x = at::empty({1, 1, volume.shape[0], volume.shape[1], volume.shape[2]});
  float *to = x.data_ptr<float>();
  for (size_t i = 0; i < volume.voxels.size(); ++i) to[i] = (volume.voxels[i] - kMean) / kStd;
  return net.forward(x)[0];
}

inline at::Tensor run(teravox::Engine &engine, const tvx_arch &arch, const tvx_tile &t,
                      const tvx_callbacks *callbacks = nullptr) {
  teravox::Box core;
  for (int a = 0; a < 3; ++a) core[a] = {t.core_start[a], t.core_start[a] + t.core_shape[a]};
  teravox::Plan plan = teravox::make_plan(arch, {t.shape[0], t.shape[1], t.shape[2]}, core);
  teravox::Pace pace(callbacks, teravox::total_work(arch, plan));
  at::Tensor logits = at::empty({arch.out_channels, t.core_shape[0], t.core_shape[1], t.core_shape[2]});
  engine.run(t, plan, pace, logits.data_ptr<float>());
  return logits;
}

inline at::Tensor cut(const at::Tensor &whole, const teravox::Box &box) {
  at::Tensor part = whole;
  for (int a = 0; a < 3; ++a) part = part.narrow(1 + a, box[a].lo, box[a].size());
  return part;
}

inline double difference(const at::Tensor &a, const at::Tensor &b) {
  return (a - b).abs().max().item<double>();
}

}  // namespace nets
