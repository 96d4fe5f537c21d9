// SPDX-License-Identifier: Apache-2.0
#include "arch.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "guard.h"

namespace teravox {
namespace {

int64_t floor_div(int64_t a, int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

int64_t ceil_div(int64_t a, int64_t b) {
  return -floor_div(-a, b);
}

[[noreturn]] void refuse(const std::string &text) {
  throw Error(TVX_BAD_ARGUMENT, text);
}

void check_range(const char *field, int64_t value, int64_t low, int64_t high) {
  if (value < low || value > high) {
    refuse(std::string(field) + " is " + std::to_string(value) + ", but must be " + std::to_string(low) + ".." +
           std::to_string(high));
  }
}

void check_groups(const tvx_arch &arch, int64_t channels) {
  int64_t groups = groups_for(arch, channels);
  if (channels % groups != 0) {
    refuse("num_groups " + std::to_string(groups) + " does not divide the " + std::to_string(channels) +
           " channels of a layer; choose f_maps as a multiple of num_groups");
  }
}

// The convolutions of a block, each as the channels its norm sees: before the convolution for gcr, after it for cbr.
void check_groups(const tvx_arch &arch, const BlockChannels &block) {
  if (arch.residual != 0) {
    check_groups(arch, block.out);
  } else {
    check_groups(arch, block.in);
    check_groups(arch, block.middle);
  }
}

// The input voxels, along one axis, that the output voxel `at` is computed from.
Interval walk(const tvx_arch &arch, int axis, int64_t at) {
  // needed[k]: what the decoder at level k (or the coarsest encoder's reader) takes of the encoder's features.
  std::array<Interval, TVX_MAX_LEVELS> needed;
  Interval output = {at, at + 1};
  for (int level = 0; level < arch.levels - 1; ++level) {
    needed[level] = conv3_input(conv3_input(output));
    output = upsample_input(needed[level], arch.pool[level][axis], arch.upsample);
  }
  needed[arch.levels - 1] = output;
  for (int level = arch.levels - 1; level > 0; --level) {
    Interval input = conv3_input(conv3_input(needed[level]));
    needed[level - 1] = hull(needed[level - 1], pool_input(input, arch.pool[level - 1][axis]));
  }
  return conv3_input(conv3_input(needed[0]));
}

// Collects tensors in the order in which PyTorch's modules register them.
class SpecList {
 public:
  explicit SpecList(const tvx_arch &arch) : arch_(arch) {}

  void add(const std::string &name, std::vector<int64_t> shape) {
    specs_.push_back({name, std::move(shape), c10::kFloat, true});
  }

  void single_conv(const std::string &prefix, int64_t in, int64_t out) {
    if (arch_.order == TVX_ORDER_GCR) {
      add(prefix + ".groupnorm.weight", {in});
      add(prefix + ".groupnorm.bias", {in});
    }
    add(prefix + ".conv.weight", {out, in, 3, 3, 3});
    if (arch_.order == TVX_ORDER_CBR) {
      add(prefix + ".batchnorm.weight", {out});
      add(prefix + ".batchnorm.bias", {out});
      specs_.push_back({prefix + ".batchnorm.running_mean", {out}, c10::kFloat, false});
      specs_.push_back({prefix + ".batchnorm.running_var", {out}, c10::kFloat, false});
      specs_.push_back({prefix + ".batchnorm.num_batches_tracked", {}, c10::kLong, false});
    }
  }

  void block(const std::string &prefix, const BlockChannels &c) {
    if (arch_.residual != 0) {
      if (c.in != c.out) {
        add(prefix + ".conv1.weight", {c.out, c.in, 1, 1, 1});
        add(prefix + ".conv1.bias", {c.out});
      }
      single_conv(prefix + ".conv2", c.out, c.out);
      single_conv(prefix + ".conv3", c.out, c.out);
    } else {
      single_conv(prefix + ".SingleConv1", c.in, c.middle);
      single_conv(prefix + ".SingleConv2", c.middle, c.out);
    }
  }

  std::vector<TensorSpec> take() { return std::move(specs_); }

 private:
  const tvx_arch &arch_;
  std::vector<TensorSpec> specs_;
};

const char *const kOrders[] = {"cbr", "gcr"};
const char *const kUpsamples[] = {"nearest", "transposed", "transposed3"};

template <size_t N>
int32_t index_of(const char *const (&names)[N], const std::string &name, const char *field) {
  for (size_t i = 0; i < N; ++i) {
    if (name == names[i]) return static_cast<int32_t>(i);
  }
  throw Error(TVX_BAD_FORMAT, std::string("teravox.arch: ") + field + " \"" + name + "\" is unknown");
}

}  // namespace

Interval conv3_input(Interval output) {
  return {output.lo - 1, output.hi + 1};
}

Interval pool_input(Interval output, int64_t factor) {
  return {output.lo * factor, output.hi * factor};
}

Interval upsample_input(Interval output, int64_t factor, int32_t upsample) {
  if (upsample == TVX_UPSAMPLE_TRANSPOSED3) {
    if (factor == 1) return conv3_input(output);
    // Output k is position k - 1 of the transposed convolution (its 2n - 1 outputs are stretched to 2n by repeating
    // the first), and position m takes inputs floor(m / 2) and ceil(m / 2).
    return {floor_div(output.lo - 1, 2), ceil_div(output.hi - 2, 2) + 1};
  }
  return {floor_div(output.lo, factor), floor_div(output.hi - 1, factor) + 1};
}

void validate(const tvx_arch &arch) {
  check_range("in_channels", arch.in_channels, 1, 1);
  check_range("out_channels", arch.out_channels, 1, 255);
  check_range("levels", arch.levels, 2, TVX_MAX_LEVELS);
  check_range("f_maps", arch.f_maps, 1, 1024);
  check_range("order", arch.order, TVX_ORDER_CBR, TVX_ORDER_GCR);
  check_range("upsample", arch.upsample, TVX_UPSAMPLE_NEAREST, TVX_UPSAMPLE_TRANSPOSED3);
  check_range("residual", arch.residual, 0, 1);
  check_range("num_groups", arch.num_groups, 1, 1024);
  check_range("f_maps * 2^(levels - 1)", channels(arch, arch.levels - 1), 1, 8192);
  for (int level = 0; level < arch.levels - 1; ++level) {
    for (int axis = 0; axis < 3; ++axis) {
      int32_t factor = arch.pool[level][axis];
      check_range("a pool factor", factor, 1, 4);
      if (arch.upsample == TVX_UPSAMPLE_TRANSPOSED3 && factor > 2) {
        refuse("upsample transposed3 takes pool factors 1 and 2 only, not " + std::to_string(factor) +
               "; use transposed");
      }
    }
  }
  if (arch.residual != 0 && arch.upsample == TVX_UPSAMPLE_NEAREST) {
    refuse("a residual network adds its skips, so upsample must be transposed or transposed3, not nearest");
  }
  if (arch.order == TVX_ORDER_GCR) {
    for (int level = 0; level < arch.levels; ++level) check_groups(arch, encoder_channels(arch, level));
    for (int level = 0; level < arch.levels - 1; ++level) check_groups(arch, decoder_channels(arch, level));
  }
}

int64_t channels(const tvx_arch &arch, int level) {
  return static_cast<int64_t>(arch.f_maps) << level;
}

Triple pool_factors(const tvx_arch &arch, int level) {
  return {arch.pool[level][0], arch.pool[level][1], arch.pool[level][2]};
}

Triple grid_of(const tvx_arch &arch) {
  Triple grid = {1, 1, 1};
  for (int level = 0; level < arch.levels - 1; ++level) {
    for (int axis = 0; axis < 3; ++axis) grid[axis] *= arch.pool[level][axis];
  }
  return grid;
}

Triple reach_of(const tvx_arch &arch) {
  Triple reach = {0, 0, 0};
  Triple grid = grid_of(arch);
  for (int axis = 0; axis < 3; ++axis) {
    // Where a voxel lies in its cell of the grid decides how far it sees, so every place is tried.
    for (int64_t at = 0; at < grid[axis]; ++at) {
      Interval reached = walk(arch, axis, at);
      reach[axis] = std::max({reach[axis], at - reached.lo, reached.hi - 1 - at});
    }
  }
  return reach;
}

int64_t groups_for(const tvx_arch &arch, int64_t channels) {
  return channels < arch.num_groups ? 1 : arch.num_groups;
}

bool same_arch(const tvx_arch &a, const tvx_arch &b) {
  if (a.in_channels != b.in_channels || a.out_channels != b.out_channels || a.levels != b.levels ||
      a.f_maps != b.f_maps || a.order != b.order || a.num_groups != b.num_groups || a.upsample != b.upsample ||
      a.residual != b.residual) {
    return false;
  }
  for (int level = 0; level < a.levels - 1; ++level) {
    if (pool_factors(a, level) != pool_factors(b, level)) return false;
  }
  return true;
}

Triple transposed_kernel(const tvx_arch &arch, int level) {
  return arch.upsample == TVX_UPSAMPLE_TRANSPOSED3 ? Triple{3, 3, 3} : pool_factors(arch, level);
}

BlockChannels encoder_channels(const tvx_arch &arch, int level) {
  int64_t in = level == 0 ? arch.in_channels : channels(arch, level - 1);
  int64_t out = channels(arch, level);
  return {in, std::max(out / 2, in), out};
}

BlockChannels decoder_channels(const tvx_arch &arch, int level) {
  int64_t out = channels(arch, level);
  if (arch.residual != 0) return {out, out, out};
  int64_t up = arch.upsample == TVX_UPSAMPLE_NEAREST ? channels(arch, level + 1) : out;
  return {out + up, out, out};
}

std::vector<TensorSpec> tensor_specs(const tvx_arch &arch) {
  SpecList list(arch);
  for (int level = 0; level < arch.levels; ++level) {
    list.block("encoders." + std::to_string(level) + ".basic_module", encoder_channels(arch, level));
  }
  for (int j = 0; j < arch.levels - 1; ++j) {
    int level = arch.levels - 2 - j;
    std::string prefix = "decoders." + std::to_string(j);
    if (arch.upsample != TVX_UPSAMPLE_NEAREST) {
      Triple k = transposed_kernel(arch, level);
      list.add(prefix + ".upsampling.upsample.conv_transposed.weight",
               {channels(arch, level + 1), channels(arch, level), k[0], k[1], k[2]});
    }
    list.block(prefix + ".basic_module", decoder_channels(arch, level));
  }
  list.add("final_conv.weight", {arch.out_channels, channels(arch, 0), 1, 1, 1});
  list.add("final_conv.bias", {arch.out_channels});
  return list.take();
}

std::string arch_to_json(const tvx_arch &arch) {
  nlohmann::ordered_json json;
  json["in_channels"] = arch.in_channels;
  json["out_channels"] = arch.out_channels;
  json["levels"] = arch.levels;
  json["f_maps"] = arch.f_maps;
  json["order"] = kOrders[arch.order];
  json["num_groups"] = arch.num_groups;
  json["upsample"] = kUpsamples[arch.upsample];
  json["residual"] = arch.residual != 0;
  json["pool"] = nlohmann::ordered_json::array();
  for (int level = 0; level < arch.levels - 1; ++level) json["pool"].push_back(pool_factors(arch, level));
  return json.dump();
}

tvx_arch arch_from_json(const std::string &text) {
  tvx_arch arch;
  tvx_arch_defaults(&arch);
  try {
    auto json = nlohmann::json::parse(text);
    arch.in_channels = json.at("in_channels").get<int32_t>();
    arch.out_channels = json.at("out_channels").get<int32_t>();
    arch.levels = json.at("levels").get<int32_t>();
    arch.f_maps = json.at("f_maps").get<int32_t>();
    arch.order = index_of(kOrders, json.at("order").get<std::string>(), "order");
    arch.num_groups = json.at("num_groups").get<int32_t>();
    arch.upsample = index_of(kUpsamples, json.at("upsample").get<std::string>(), "upsample");
    arch.residual = json.at("residual").get<bool>() ? 1 : 0;
    const auto &pool = json.at("pool");
    if (!pool.is_array() || pool.size() + 1 != static_cast<size_t>(arch.levels) || pool.size() >= TVX_MAX_LEVELS) {
      throw Error(TVX_BAD_FORMAT, "teravox.arch: pool must have one entry less than there are levels");
    }
    for (size_t level = 0; level < pool.size(); ++level) {
      auto factors = pool[level].get<std::array<int32_t, 3>>();
      std::copy(factors.begin(), factors.end(), arch.pool[level]);
    }
  } catch (const nlohmann::json::exception &e) {
    throw Error(TVX_BAD_FORMAT, std::string("teravox.arch: ") + e.what());
  }
  try {
    validate(arch);
  } catch (const Error &e) {
    throw Error(TVX_BAD_FORMAT, std::string("teravox.arch: ") + e.what());
  }
  return arch;
}

}  // namespace teravox
