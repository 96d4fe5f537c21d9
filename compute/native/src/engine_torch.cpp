// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include "engine.h"

namespace teravox {
namespace {

// Part of a layer's output: a tensor (1, channels, z, y, x) and the box it covers.
struct Feature {
  at::Tensor tensor;
  Box box;
};

Feature crop(const Feature &feature, const Box &box) {
  at::Tensor part = feature.tensor;
  for (int a = 0; a < 3; ++a) {
    int64_t start = box[a].lo - feature.box[a].lo;
    if (start != 0 || box[a].size() != part.size(2 + a)) part = part.narrow(2 + a, start, box[a].size());
  }
  return {part, box};
}

// Convolution over exactly the voxels that `output` needs, with the network's zeros only where the block ends.
Feature convolve(const FoldedConv &conv, const Feature &input, const Box &output, const Triple &size, bool relu) {
  int64_t radius = (conv.weight.size(2) - 1) / 2;
  at::Tensor x = crop(input, grow(output, radius, size)).tensor;
  std::vector<int64_t> pads;  // last axis first, as constant_pad_nd takes them
  Triple padding = {0, 0, 0};
  bool even = true;
  for (int a = 2; a >= 0; --a) {
    int64_t before = std::max<int64_t>(radius - output[a].lo, 0);
    int64_t after = std::max<int64_t>(output[a].hi + radius - size[static_cast<size_t>(a)], 0);
    pads.insert(pads.end(), {before, after});
    padding[static_cast<size_t>(a)] = before;
    even = even && before == after;
  }
  if (!even) {
    x = at::constant_pad_nd(x, pads);
    padding = {0, 0, 0};
  }
  at::Tensor y = at::conv3d(x, conv.weight, conv.bias, 1, padding);
  return {relu ? y.relu_() : y, output};
}

Feature normalise(const FoldedConv &conv, const Feature &input) {
  if (!conv.gamma.defined()) return input;
  return {at::group_norm(input.tensor, conv.groups, conv.gamma, conv.beta, 1e-5), input.box};
}

class TorchEngine : public Engine {
 public:
  TorchEngine(const FoldedNet &net, c10::Device device) : net_(net), device_(device) {
    for (auto *blocks : {&net_.encoders, &net_.decoders}) {
      for (FoldedBlock &block : *blocks) {
        move(block.project);
        move(block.first);
        move(block.second);
      }
    }
    for (at::Tensor &weight : net_.transposed) move(weight);
    move(net_.final_conv);
  }

  void run(const tvx_tile &tile, const Plan &plan, Pace &pace, float *logits) override {
    const Box &in = plan.levels[0].encoder_in;
    Triple shape = in.shape();
    at::Tensor input = at::empty({1, 1, shape[0], shape[1], shape[2]});
    standardise(tile, in, input.data_ptr<float>());

    std::vector<Feature> skips;
    Feature x = {input.to(device_), in};
    for (size_t k = 0; k < plan.levels.size(); ++k) {
      const LevelPlan &level = plan.levels[k];
      if (k > 0) x = pool(x, level.encoder_in, static_cast<int>(k) - 1);
      x = block(net_.encoders[k], x, level.encoder_mid, level.encoder_out, level.size, pace);
      if (k + 1 < plan.levels.size()) skips.push_back(crop(x, level.joined));
    }
    for (size_t k = plan.levels.size() - 1; k-- > 0;) {
      const LevelPlan &level = plan.levels[k];
      Feature up = upsample(x, level.joined, static_cast<int>(k));
      Feature skip = skips.back();
      skips.pop_back();
      at::Tensor joined = net_.arch.residual != 0 ? skip.tensor + up.tensor : at::cat({skip.tensor, up.tensor}, 1);
      x = block(net_.decoders[k], {joined, level.joined}, level.decoder_mid, level.decoder_out, level.size, pace);
    }
    at::Tensor result = at::conv3d(x.tensor, net_.final_conv.weight, net_.final_conv.bias).to(at::kCPU).contiguous();
    std::copy_n(result.data_ptr<float>(), result.numel(), logits);
    pace.step(work_of(net_.final_conv.weight, x.box));
  }

 private:
  void move(at::Tensor &tensor) const {
    if (tensor.defined()) tensor = tensor.to(device_);
  }
  void move(FoldedConv &conv) const {
    for (at::Tensor *tensor : {&conv.weight, &conv.bias, &conv.gamma, &conv.beta}) move(*tensor);
  }

  Feature block(const FoldedBlock &block, Feature x, const Box &mid, const Box &out, const Triple &size,
                Pace &pace) const {
    if (block.project.weight.defined()) {
      x = convolve(block.project, x, x.box, size, false);
      pace.step(work_of(block.project.weight, x.box));
    }
    bool residual = net_.arch.residual != 0;
    Feature y = convolve(block.first, normalise(block.first, x), mid, size, true);
    pace.step(work_of(block.first.weight, mid));
    y = convolve(block.second, normalise(block.second, y), out, size, !residual);
    if (residual) y.tensor.add_(crop(x, out).tensor).relu_();
    pace.step(work_of(block.second.weight, out));
    return y;
  }

  // Max-pools from level `from` to the box one level down.
  Feature pool(const Feature &x, const Box &box, int from) const {
    Triple factors = pool_factors(net_.arch, from);
    Box window;
    for (int a = 0; a < 3; ++a) window[a] = pool_input(box[a], factors[static_cast<size_t>(a)]);
    return {at::max_pool3d(crop(x, window).tensor, factors, factors), box};
  }

  // Brings features up to the box at level `to`.
  Feature upsample(const Feature &x, const Box &box, int to) const {
    at::Tensor y = x.tensor;
    Triple factors = pool_factors(net_.arch, to);
    if (net_.arch.upsample != TVX_UPSAMPLE_NEAREST) {
      y = at::conv_transpose3d(y, net_.transposed[static_cast<size_t>(to)], {}, factors);
    }
    for (int a = 0; a < 3; ++a) {
      at::Tensor places = at::empty({box[a].size()}, at::kLong);
      int64_t *place = places.data_ptr<int64_t>();
      for (int64_t i = box[a].lo; i < box[a].hi; ++i) {
        place[i - box[a].lo] = source(i, factors[static_cast<size_t>(a)], x.box[a].lo);
      }
      y = y.index_select(2 + a, places.to(device_));
    }
    return {y, box};
  }

  // Where, in the upsampled or transposed part that starts at low voxel `lo`, the output voxel i is found.
  int64_t source(int64_t i, int64_t factor, int64_t lo) const {
    switch (net_.arch.upsample) {
      case TVX_UPSAMPLE_NEAREST:
        return i / factor - lo;
      case TVX_UPSAMPLE_TRANSPOSED:
        return i - factor * lo;
      default:
        // Computed without the padding of 1, so place 1 is the transposed convolution's first output; output i is its
        // output i - 1, and output 0 its first (see upsample_input). Without pooling, output i is output i.
        return factor == 1 ? i - lo + 1 : i == 0 ? 1 : i - factor * lo;
    }
  }

  FoldedNet net_;
  c10::Device device_;
};

}  // namespace

std::unique_ptr<Engine> make_torch_engine(const FoldedNet &net, c10::Device device) {
  return std::make_unique<TorchEngine>(net, device);
}

}  // namespace teravox
