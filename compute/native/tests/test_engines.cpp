// SPDX-License-Identifier: Apache-2.0
//
// Both engines against the module's forward pass: whole volumes, tiles, every architecture.
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/InferenceMode.h>

#include "check.h"
#include "device.h"
#include "nets.h"

using namespace teravox;

namespace {

struct Named {
  const char *name;
  tvx_arch arch;
};

std::vector<Named> architectures() {
  using namespace nets;
  tvx_arch classes = make(3, 8, TVX_ORDER_CBR);
  classes.out_channels = 8;
  tvx_arch four_groups = make(3, 24, TVX_ORDER_GCR);
  four_groups.num_groups = 4;
  return {
      {"cbr", make(3, 8, TVX_ORDER_CBR)},
      {"cbr 8 classes", classes},
      {"cbr f 5", make(3, 5, TVX_ORDER_CBR)},
      {"cbr f 32", make(2, 32, TVX_ORDER_CBR)},
      {"cbr L4", make(4, 4, TVX_ORDER_CBR)},
      {"cbr pool 1,2,2", pooled(make(3, 8, TVX_ORDER_CBR), 0, 1, 2, 2)},
      {"cbr pool 3,1,2 and 2,4,1", pooled(pooled(make(3, 8, TVX_ORDER_CBR), 0, 3, 1, 2), 1, 2, 4, 1)},
      {"cbr transposed", make(3, 8, TVX_ORDER_CBR, 0, TVX_UPSAMPLE_TRANSPOSED)},
      {"cbr transposed pool 3,1,2", pooled(make(3, 8, TVX_ORDER_CBR, 0, TVX_UPSAMPLE_TRANSPOSED), 0, 3, 1, 2)},
      {"cbr transposed3", make(3, 8, TVX_ORDER_CBR, 0, TVX_UPSAMPLE_TRANSPOSED3)},
      {"cbr transposed3 pool 1,2,2", pooled(make(3, 8, TVX_ORDER_CBR, 0, TVX_UPSAMPLE_TRANSPOSED3), 0, 1, 2, 2)},
      {"residual cbr transposed3", make(3, 8, TVX_ORDER_CBR, 1, TVX_UPSAMPLE_TRANSPOSED3)},
      {"residual cbr transposed", make(3, 16, TVX_ORDER_CBR, 1, TVX_UPSAMPLE_TRANSPOSED)},
      {"residual cbr f 1", make(3, 1, TVX_ORDER_CBR, 1, TVX_UPSAMPLE_TRANSPOSED)},
      {"gcr", make(3, 8, TVX_ORDER_GCR)},
      {"gcr f 24", four_groups},
      {"gcr transposed pool 1,2,2", pooled(make(3, 8, TVX_ORDER_GCR, 0, TVX_UPSAMPLE_TRANSPOSED), 1, 1, 2, 2)},
      {"residual gcr transposed3", make(3, 8, TVX_ORDER_GCR, 1, TVX_UPSAMPLE_TRANSPOSED3)},
  };
}

struct NamedEngine {
  const char *name;
  std::unique_ptr<Engine> engine;
};

std::vector<NamedEngine> engines(const tvx_model &model) {
  std::vector<NamedEngine> all;
  FoldedNet net = fold(model);
  all.push_back({"libtorch", make_torch_engine(net, c10::kCPU)});
  if (auto fast = make_onednn_engine(net)) all.push_back({"oneDNN", std::move(fast)});
  if (auto fast = make_onednn_engine(net, 1)) all.push_back({"oneDNN in thin slabs", std::move(fast)});
  return all;
}

void within(double difference, double limit, const std::string &what) {
  if (!(difference <= limit))
    check::fail(__FILE__, __LINE__, what + ": differs by " + std::to_string(difference * 1e6) + "e-6");
}

Triple multiple_of(const tvx_arch &arch, Triple about) {
  Triple grid = grid_of(arch);
  for (size_t a = 0; a < 3; ++a) about[a] = (about[a] + grid[a] - 1) / grid[a] * grid[a];
  return about;
}

}  // namespace

TEST(Engine_WhenCoreIsTheBlock_GivesTheModulesLogits) {
  c10::InferenceMode inference;
  use_threads(1);
  for (const Named &n : architectures()) {
    tvx_model model = nets::model(n.arch);
    nets::Volume volume(multiple_of(n.arch, {12, 20, 28}));
    at::Tensor expected = nets::reference(model, volume);
    for (auto &e : engines(model)) {
      Box whole = whole_box(volume.shape);
      at::Tensor got = nets::run(*e.engine, n.arch, nets::tile(volume.voxels.data(), volume.shape, whole));
      within(nets::difference(got, expected), 1e-5, std::string(e.name) + " " + n.name);
    }
  }
}

// A core inside, at a corner, of odd size at an odd place: the same voxels of the whole block's result.
TEST(Engine_WhenCoreIsAPart_GivesThatPart) {
  c10::InferenceMode inference;
  use_threads(1);
  for (const Named &n : architectures()) {
    tvx_model model = nets::model(n.arch);
    nets::Volume volume(multiple_of(n.arch, {24, 32, 40}));
    at::Tensor expected = nets::reference(model, volume);
    const Triple &s = volume.shape;
    std::vector<Box> cores = {{{Interval{8, 12}, Interval{8, 16}, Interval{16, 24}}},
                              {{Interval{0, 5}, Interval{s[1] - 3, s[1]}, Interval{11, 18}}},
                              {{Interval{7, 8}, Interval{9, 10}, Interval{s[2] - 1, s[2]}}}};
    for (auto &e : engines(model)) {
      for (const Box &core : cores) {
        at::Tensor got = nets::run(*e.engine, n.arch, nets::tile(volume.voxels.data(), s, core));
        within(nets::difference(got, nets::cut(expected, core)), 1e-5, std::string(e.name) + " " + n.name);
      }
    }
  }
}

// The promise to users: tiles with an exact halo, cut and computed apart, are the whole volume's result.
TEST(Engine_WhenTiledWithExactHalo_EqualsTheWhole) {
  c10::InferenceMode inference;
  use_threads(1);
  for (const Named &n : architectures()) {
    if (n.arch.order != TVX_ORDER_CBR) continue;
    tvx_model model = nets::model(n.arch);
    Triple grid = grid_of(n.arch), reach = reach_of(n.arch), halo = multiple_of(n.arch, reach);
    nets::Volume volume(multiple_of(n.arch, {28, 40, 56}));
    const Triple &s = volume.shape;
    for (auto &e : engines(model)) {
      // libtorch's engine shares the plan; a few architectures do for what is its own.
      const bool in_all_ways = n.name == std::string("cbr"), in_slabs = e.name == std::string("oneDNN in thin slabs");
      if (e.name == std::string("libtorch") && !in_all_ways) continue;
      at::Tensor whole = nets::run(*e.engine, n.arch, nets::tile(volume.voxels.data(), s, whole_box(s)));
      const Triple on_the_grid = multiple_of(n.arch, {16, 16, 16}), off_the_grid = {24, 40, 29};
      for (const Triple &core_size : {on_the_grid, off_the_grid}) {
        // Elsewhere each engine takes one of them.
        if (!in_all_ways && (core_size == off_the_grid) != in_slabs) continue;
        // Origins stay on the grid whatever the core's size; the last tiles are what is left.
        Triple step = multiple_of(n.arch, core_size);
        double worst = 0;
        int64_t other = 0;
        for (int64_t z = 0; z < s[0]; z += step[0]) {
          for (int64_t y = 0; y < s[1]; y += step[1]) {
            for (int64_t x = 0; x < s[2]; x += step[2]) {
              Triple at = {z, y, x};
              Box core, block, inside;
              for (int a = 0; a < 3; ++a) {
                size_t i = static_cast<size_t>(a);
                core[a] = {at[i], std::min(at[i] + core_size[i], s[i])};
                int64_t hi = (core[a].hi + grid[i] - 1) / grid[i] * grid[i] + halo[i];
                block[a] = {std::max<int64_t>(at[i] - halo[i], 0), std::min(hi, s[i])};
                inside[a] = {core[a].lo - block[a].lo, core[a].hi - block[a].lo};
              }
              std::vector<uint8_t> voxels = volume.block(block);
              at::Tensor got = nets::run(*e.engine, n.arch, nets::tile(voxels.data(), block.shape(), inside));
              at::Tensor want = nets::cut(whole, core);
              worst = std::max(worst, nets::difference(got, want));
              auto levels = [](const at::Tensor &t) { return (t.sigmoid() * 255).round(); };
              other += (levels(got) != levels(want)).sum().item<int64_t>();
            }
          }
        }
        std::string what = std::string(e.name) + " " + n.name;
        within(worst, 1e-6, what);
        if (static_cast<double>(other) > 1e-5 * static_cast<double>(whole.numel()) + 1) {
          check::fail(__FILE__, __LINE__, what + ": " + std::to_string(other) + " voxels of another grey level");
        }
      }
    }
  }
}

TEST(Engine_WhenRunAgain_GivesTheSameBytes) {
  c10::InferenceMode inference;
  use_threads(1);
  for (const Named &n : architectures()) {
    tvx_model model = nets::model(n.arch);
    nets::Volume volume(multiple_of(n.arch, {24, 24, 24}));
    Box core = {{Interval{8, 12}, Interval{8, 16}, Interval{8, 16}}};
    tvx_tile tile = nets::tile(volume.voxels.data(), volume.shape, core);
    tvx_tile other = nets::tile(volume.voxels.data(), volume.shape, whole_box(volume.shape));
    for (auto &e : engines(model)) {
      at::Tensor first = nets::run(*e.engine, n.arch, tile);
      nets::run(*e.engine, n.arch, other);  // what is kept between tiles must not leak into the next
      at::Tensor second = nets::run(*e.engine, n.arch, tile);
      use_threads(2);
      at::Tensor two = nets::run(*e.engine, n.arch, tile);
      use_threads(1);
      if (!first.equal(second)) check::fail(__FILE__, __LINE__, std::string(e.name) + " " + n.name);
      within(nets::difference(first, two), 1e-6, std::string(e.name) + " two threads, " + n.name);
    }
  }
}

// A voxel outside the reach never matters and one inside it does.
TEST(Reach_WhenAVoxelIsChanged_IsWhereTheOutputChanges) {
  c10::InferenceMode inference;
  use_threads(1);
  std::vector<tvx_arch> archs = {nets::make(2, 4, TVX_ORDER_CBR), nets::make(3, 4, TVX_ORDER_CBR),
                                 nets::pooled(nets::make(3, 4, TVX_ORDER_CBR), 0, 1, 2, 2),
                                 nets::make(3, 4, TVX_ORDER_CBR, 1, TVX_UPSAMPLE_TRANSPOSED3),
                                 nets::make(3, 4, TVX_ORDER_CBR, 0, TVX_UPSAMPLE_TRANSPOSED)};
  for (const tvx_arch &arch : archs) {
    // Positive weights everywhere, so that no influence is lost in a ReLU and any change reaches the output.
    tvx_model model = nets::model(arch);
    for (auto &[name, tensor] : model.tensors) {
      if (name.find("running_mean") != std::string::npos)
        tensor.zero_();
      else if (tensor.is_floating_point())
        tensor = tensor.abs() + 0.05;
    }
    Triple reach = reach_of(arch), grid = grid_of(arch), seen = {0, 0, 0};
    FoldedNet net = fold(model);
    for (auto *blocks : {&net.encoders, &net.decoders}) {
      for (auto &block : *blocks) {
        for (auto *conv : {&block.project, &block.first, &block.second}) {
          if (conv->weight.defined())
            conv->weight = (conv->weight / (conv->weight.sum() / conv->weight.size(0))).to(at::kFloat);
        }
      }
    }
    auto engine = make_torch_engine(net, c10::kCPU);
    // A whole plane is changed, since what one voxel adds at the reach's corner is lost in float32's rounding on some
    // processors.
    for (size_t a = 0; a < 3; ++a) {
      Triple size = {2 * grid[0], 2 * grid[1], 2 * grid[2]};
      size[a] = (2 * reach[a] + 2 * grid[a] + grid[a]) / grid[a] * grid[a];
      std::vector<uint8_t> voxels(static_cast<size_t>(size[0] * size[1] * size[2]), 121);
      tvx_tile tile = nets::tile(voxels.data(), size, whole_box(size));
      at::Tensor before = nets::run(*engine, arch, tile);
      // Every place in a cell of the grid.
      for (int64_t at = 0; at < grid[a]; ++at) {
        int64_t centre = size[a] / 2 / grid[a] * grid[a] + at;
        at::Tensor changed = at::full({size[0], size[1], size[2]}, 121, at::kByte);
        changed.select(static_cast<int64_t>(a), centre).fill_(255);
        tile.voxels = changed.data_ptr();
        at::Tensor where = (nets::run(*engine, arch, tile) != before).nonzero();
        CHECK(where.size(0) > 0);
        at::Tensor along = where.select(1, static_cast<int64_t>(a) + 1);
        seen[a] = std::max({seen[a], centre - along.min().item<int64_t>(), along.max().item<int64_t>() - centre});
      }
    }
    for (size_t a = 0; a < 3; ++a) CHECK_EQUAL(seen[a], reach[a]);
  }
}

CHECK_MAIN
