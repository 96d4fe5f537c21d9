// SPDX-License-Identifier: Apache-2.0
//
// The entries of teravox.h for inference.
#include <c10/core/InferenceMode.h>

#include <cmath>
#include <limits>

#include "device.h"
#include "engine.h"
#include "guard.h"
#include "model.h"

using teravox::Error;

struct tvx_session {
  tvx_arch arch;
  int32_t threads;
  std::unique_ptr<teravox::Engine> engine;
  std::vector<float> logits;  // of the last tile, kept so that a run over equal tiles allocates once
};

namespace {

// Throws unless the tile can be computed as it is; returns its core as a box.
teravox::Box check_tile(const tvx_arch &arch, const tvx_tile &tile) {
  teravox::require(tile.voxels, "tile.voxels");
  if (tile.voxel_type != TVX_UINT8 && tile.voxel_type != TVX_UINT16) {
    throw Error(TVX_BAD_ARGUMENT, "tile.voxel_type " + std::to_string(tile.voxel_type) + " is unknown");
  }
  if (!std::isfinite(tile.mean)) throw Error(TVX_BAD_ARGUMENT, "tile.mean must be a finite number");
  if (!std::isfinite(tile.std) || tile.std <= 0) {
    throw Error(TVX_BAD_ARGUMENT, "tile.std must be a finite number above 0");
  }
  teravox::Triple grid = teravox::grid_of(arch);
  teravox::Box core;
  int64_t voxels = 1;
  for (int a = 0; a < 3; ++a) {
    int64_t size = tile.shape[a], start = tile.core_start[a], extent = tile.core_shape[a];
    std::string axis = std::string("axis ") + "zyx"[a] + ": ";
    if (size < 1 || size % grid[static_cast<size_t>(a)] != 0) {
      throw Error(TVX_BAD_SHAPE, axis + "the block's size " + std::to_string(size) + " is not a multiple of " +
                                     std::to_string(grid[static_cast<size_t>(a)]) +
                                     ", the product of the pool factors");
    }
    if (size > std::numeric_limits<int32_t>::max() / voxels) {
      throw Error(TVX_BAD_SHAPE, "the block has more than 2^31 - 1 voxels");
    }
    voxels *= size;
    if (extent < 1 || start < 0 || start > size || extent > size - start) {
      throw Error(TVX_BAD_SHAPE, axis + "the core (start " + std::to_string(start) + ", size " +
                                     std::to_string(extent) + ") does not lie in the block of size " +
                                     std::to_string(size));
    }
    core[a] = {start, start + extent};
  }
  return core;
}

void compute(tvx_session &session, const tvx_tile &tile, const teravox::Box &core, float *logits,
             const tvx_callbacks *callbacks) {
  c10::InferenceMode inference;
  teravox::use_threads(session.threads);
  teravox::Plan plan = teravox::make_plan(session.arch, {tile.shape[0], tile.shape[1], tile.shape[2]}, core);
  teravox::Pace pace(callbacks, teravox::total_work(session.arch, plan));
  pace.step(0);
  session.engine->run(tile, plan, pace, logits);
}

}  // namespace

tvx_status tvx_session_create(const tvx_model *model, const char *device, int32_t threads, tvx_session **session) {
  return teravox::guard([&] {
    teravox::require(model, "model");
    teravox::require(device, "device");
    teravox::require(session, "session");
    c10::Device where = teravox::parse_device(device);
    c10::InferenceMode inference;
    teravox::use_threads(threads);
    teravox::FoldedNet net = teravox::fold(*model);
    std::unique_ptr<teravox::Engine> engine;
    if (where.is_cpu()) engine = teravox::make_onednn_engine(net);
    if (!engine) engine = teravox::make_torch_engine(net, where);
    *session = new tvx_session{model->arch, threads, std::move(engine), {}};
  });
}

void tvx_session_free(tvx_session *session) {
  delete session;
}

tvx_status tvx_session_logits(tvx_session *session, const tvx_tile *tile, float *logits,
                              const tvx_callbacks *callbacks) {
  return teravox::guard([&] {
    teravox::require(session, "session");
    teravox::require(tile, "tile");
    teravox::require(logits, "logits");
    compute(*session, *tile, check_tile(session->arch, *tile), logits, callbacks);
  });
}

tvx_status tvx_session_infer(tvx_session *session, const tvx_tile *tile, uint8_t *probabilities,
                             const tvx_callbacks *callbacks) {
  return teravox::guard([&] {
    teravox::require(session, "session");
    teravox::require(tile, "tile");
    teravox::require(probabilities, "probabilities");
    teravox::Box core = check_tile(session->arch, *tile);
    session->logits.resize(static_cast<size_t>(session->arch.out_channels * core.voxels()));
    compute(*session, *tile, core, session->logits.data(), callbacks);
    int64_t count = static_cast<int64_t>(session->logits.size());
    const float *logits = session->logits.data();
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < count; ++i) {
      float level = 255.0f / (1.0f + std::exp(-logits[i])) + 0.5f;
      probabilities[i] = level > 0 ? static_cast<uint8_t>(level) : 0;  // a logit that is not a number counts as 0
    }
  });
}
