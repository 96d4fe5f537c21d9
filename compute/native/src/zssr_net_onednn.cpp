// SPDX-License-Identifier: Apache-2.0
//
// ZSSR's network on the CPU: features stay in oneDNN's blocked layout from the first layer to the last and back,
// kernels and memory are kept from step to step, ReLU and its derivative happen on the way. The convolutions of 64 to
// 64 channels are Winograd's F(4x4, 3x3) where oneDNN has it (AVX-512): a quarter of the multiplications. Its rounding,
// 1e-6 or so of a grey range, would matter to tiles that must agree; training does not feel it.
#include "zssr_net.h"

#if defined(TERAVOX_HAS_ONEDNN)
#include <oneapi/dnnl/dnnl.hpp>
#endif

#if defined(TERAVOX_HAS_ONEDNN) && DNNL_VERSION_MAJOR == 2

#include <omp.h>

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>
#include <unordered_map>

#include "buffers.h"
#include "convolver.h"
#include "zssr_kernels.h"

namespace teravox {
namespace {

using dnnl::algorithm;
using dnnl::memory;
using zssr::Features;
using zssr::Taps;
using Tag = memory::format_tag;

constexpr auto kFloat = memory::data_type::f32;
constexpr size_t kMiddle = ZssrNet::kLayers - 2;
constexpr size_t kMiddleWeights = ZssrNet::kChannels * ZssrNet::kChannels * zssr::kTaps;
constexpr size_t kMostShapes = 32;
constexpr int64_t kWinogradTile = 4;

class OneDnnNet final : public ZssrNet {
 public:
  explicit OneDnnNet(int block) : block_(block), engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
    weights_layout_ = memory::desc({kChannels, kChannels, 3, 3}, kFloat, block == 16 ? Tag::OIhw16i16o : Tag::OIhw8i8o);
    for (Middle &m : middle_) {
      m.weights = memory(weights_layout_, engine_);
      m.gradient = memory(weights_layout_, engine_);
    }
    winograd_ = has_winograd();
  }

  int64_t margin() const override {
    // A Winograd tile rounds by all it reads: six layers of whole tiles, and one pixel of the first and last layer.
    return winograd_ ? kWinogradTile * static_cast<int64_t>(kMiddle + 1) : kReach;
  }

  std::vector<at::Tensor> weights() const override {
    return gathered(first_.taps, last_.taps, [](const Middle &m) { return m.weights; });
  }

  void set(const std::vector<at::Tensor> &weights) override {
    updates_ = 0;
    buffers_.begin_tile();  // frees what the run before did not use
    first_.set(weights.front().contiguous());
    last_.set(weights.back().contiguous());
    for (size_t i = 0; i < kMiddle; ++i) {
      reorder(plain(weights[i + 1].contiguous()), middle_[i].weights);
      middle_[i].adam.start(kMiddleWeights);
    }
  }

  double learn(const Plane &input, const Plane &target, const Plane &inside, int64_t count) override {
    const Shape &shape = shape_for(input, true);
    // What comes out of layers 0 to 6 after ReLU, then the gradients of two neighbouring layers in turn.
    std::array<Buffer, kMiddle + 3> buffers;
    std::array<Features, kMiddle + 3> features;
    for (size_t i = 0; i < buffers.size(); ++i) features[i] = borrow(input, &buffers[i]);
    const Features &last_features = features[kMiddle];
    const Plane in = zssr::bordered(input);
    Plane output(input.y, input.x);
    zssr::spread(in, first_.taps, true, nullptr, features[0]);
    for (size_t i = 0; i < kMiddle; ++i) pass(shape, features[i], middle_[i], features[i + 1]);
    zssr::gather(last_features, last_.taps, &output);

    Plane pull(input.y, input.x);  // the loss's gradient
    const float share = static_cast<float>(1 / static_cast<double>(count));
    double loss = 0;
    for (size_t k = 0; k < output.pixels.size(); ++k) {
      const float d = inside.pixels[k] != 0 ? output.pixels[k] + input.pixels[k] - target.pixels[k] : 0;
      loss += std::abs(d);
      pull.pixels[k] = d > 0 ? share : d < 0 ? -share : 0;
    }
    loss /= static_cast<double>(count);
    if (!std::isfinite(loss)) return std::numeric_limits<double>::quiet_NaN();

    const Plane pull_bordered = zssr::bordered(pull);
    last_.gradient = zssr::reversed(zssr::correlate(last_features, pull_bordered));
    Features now = features[kMiddle + 1], next = features[kMiddle + 2];
    zssr::spread(pull_bordered, zssr::reversed(last_.taps), false, &last_features, now);
    for (size_t i = kMiddle; i-- > 0;) {
      pull_back(shape, features[i], now, middle_[i], next);
      zssr::mask(features[i], next);
      std::swap(now, next);
    }
    first_.gradient = zssr::correlate(now, in);

    bool finite = zssr::all_finite(first_.gradient.data(), zssr::kTapWeights) &&
                  zssr::all_finite(last_.gradient.data(), zssr::kTapWeights);
    for (const Middle &m : middle_) finite = finite && zssr::all_finite(numbers(m.gradient), kMiddleWeights);
    return finite ? loss : std::numeric_limits<double>::quiet_NaN();
  }

  std::vector<at::Tensor> gradients() const override {
    return gathered(first_.gradient, last_.gradient, [](const Middle &m) { return m.gradient; });
  }

  void update(double rate) override {
    ++updates_;
    for (Edge *e : {&first_, &last_}) e->adam.step(e->gradient.data(), rate, updates_, e->taps.data());
    for (Middle &m : middle_) m.adam.step(numbers(m.gradient), rate, updates_, numbers(m.weights));
  }

  Plane forward(const Plane &input) override {
    const Shape &shape = shape_for(input, false);
    std::array<Buffer, 2> buffers;
    Features from = borrow(input, &buffers[0]), to = borrow(input, &buffers[1]);
    zssr::spread(zssr::bordered(input), first_.taps, true, nullptr, from);
    for (const Middle &m : middle_) {
      pass(shape, from, m, to);
      std::swap(from, to);
    }
    Plane output(input.y, input.x);
    zssr::gather(from, last_.taps, &output);
    for (size_t k = 0; k < output.pixels.size(); ++k) output.pixels[k] += input.pixels[k];
    return output;
  }

 private:
  // The first or last layer.
  struct Edge {
    Taps taps, gradient;
    zssr::Adam adam;

    void set(const at::Tensor &weight) {
      taps.resize(zssr::kTapWeights);
      const float *from = weight.data_ptr<float>();
      for (int64_t c = 0; c < kChannels; ++c) {
        for (int64_t t = 0; t < zssr::kTaps; ++t)
          taps[static_cast<size_t>(t * kChannels + c)] = from[c * zssr::kTaps + t];
      }
      adam.start(taps.size());
    }
  };

  // A layer of 64 to 64 channels.
  struct Middle {
    memory weights, gradient;
    zssr::Adam adam;
  };

  // The kernels for images of one shape.
  struct Shape {
    memory::desc features, data_weights, gradient;
    dnnl::convolution_forward forward;
    dnnl::convolution_backward_data backward_data;
    dnnl::convolution_backward_weights backward_weights;
  };

  static float *numbers(const memory &m) { return static_cast<float *>(m.get_data_handle()); }

  static at::Tensor tensor(const Taps &taps, at::IntArrayRef shape) {
    at::Tensor result = at::empty(shape, at::kFloat);
    float *to = result.data_ptr<float>();
    for (int64_t c = 0; c < kChannels; ++c) {
      for (int64_t t = 0; t < zssr::kTaps; ++t) to[c * zssr::kTaps + t] = taps[static_cast<size_t>(t * kChannels + c)];
    }
    return result;
  }

  // Weights or gradients of all layers as plain tensors.
  std::vector<at::Tensor> gathered(const Taps &first, const Taps &last,
                                   const std::function<memory(const Middle &)> &of_middle) const {
    std::vector<at::Tensor> result = {tensor(first, {kChannels, 1, 3, 3})};
    for (const Middle &m : middle_) {
      result.push_back(at::empty({kChannels, kChannels, 3, 3}, at::kFloat));
      reorder(of_middle(m), plain(result.back()));
    }
    result.push_back(tensor(last, {1, kChannels, 3, 3}));
    return result;
  }

  memory plain(const at::Tensor &weight) const {
    return memory({{kChannels, kChannels, 3, 3}, kFloat, Tag::oihw}, engine_, weight.data_ptr<float>());
  }

  void reorder(memory from, memory to) const {
    dnnl::reorder(from, to).execute(stream_, from, to);
    stream_.wait();
  }

  Features borrow(const Plane &image, Buffer *buffer) {
    *buffer = buffers_.get(static_cast<size_t>(kChannels * image.y * image.x));
    return {buffer->get(), image.y, image.x, block_};
  }

  memory::desc layout(int64_t y, int64_t x) const {
    return memory::desc({1, kChannels, y, x}, kFloat, block_ == 16 ? Tag::nChw16c : Tag::nChw8c);
  }

  static memory::desc any_weights() { return memory::desc({kChannels, kChannels, 3, 3}, kFloat, Tag::any); }

  dnnl::convolution_forward::primitive_desc forward_plan(algorithm how, const memory::desc &features) {
    dnnl::post_ops relu;
    relu.append_eltwise(1.0f, algorithm::eltwise_relu, 0.0f, 0.0f);
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(relu);
    // "training" where nothing is trained as well: for "inference" oneDNN takes a slower kind of Winograd.
    return {{dnnl::prop_kind::forward_training, how, features, weights_layout_, features, {1, 1}, {1, 1}, {1, 1}},
            attributes,
            engine_};
  }

  bool has_winograd() {
    try {
      forward_plan(algorithm::convolution_winograd, layout(64, 64));
      return true;
    } catch (const dnnl::error &) {
      return false;
    }
  }

  const Shape &shape_for(const Plane &image, bool training) {
    // oneDNN divides the work among the threads when it makes a kernel.
    const Key key{image.y, image.x, training, omp_get_max_threads()};
    const auto found = shapes_.find(key);
    if (found != shapes_.end()) return found->second;
    if (shapes_.size() >= kMostShapes) shapes_.clear();

    const algorithm how = winograd_ ? algorithm::convolution_winograd : algorithm::convolution_direct;
    const memory::dims ones = {1, 1};
    Shape shape;
    shape.features = layout(image.y, image.x);
    const auto forward = forward_plan(how, shape.features);
    shape.forward = dnnl::convolution_forward(forward);
    if (training) {
      const dnnl::convolution_backward_data::primitive_desc data(
          {how, shape.features, any_weights(), shape.features, ones, ones, ones}, engine_, forward);
      const dnnl::convolution_backward_weights::primitive_desc weights(
          {how, shape.features, any_weights(), shape.features, ones, ones, ones}, engine_, forward);
      shape.backward_data = dnnl::convolution_backward_data(data);
      shape.backward_weights = dnnl::convolution_backward_weights(weights);
      shape.data_weights = data.weights_desc();
      shape.gradient = weights.diff_weights_desc();
    }
    return shapes_.emplace(key, std::move(shape)).first->second;
  }

  // The layer's weights as a kernel wants them: mostly as they are.
  memory arranged(const memory &weights, const memory::desc &wanted) {
    if (wanted == weights_layout_) return weights;
    memory result(wanted, engine_);
    reorder(weights, result);
    return result;
  }

  memory memory_of(const Shape &shape, const Features &features) const {
    return memory(shape.features, engine_, features.data);
  }

  // One layer of 64 to 64 channels and its ReLU.
  void pass(const Shape &shape, const Features &from, const Middle &layer, const Features &to) {
    shape.forward.execute(stream_, {{DNNL_ARG_SRC, memory_of(shape, from)},
                                    {DNNL_ARG_WEIGHTS, layer.weights},
                                    {DNNL_ARG_DST, memory_of(shape, to)}});
    stream_.wait();
  }

  // The layer's gradients: with respect to its weights, and to its input `from` (before the derivative of its ReLU).
  void pull_back(const Shape &shape, const Features &from, const Features &pull, Middle &layer, const Features &to) {
    const bool same = shape.gradient == weights_layout_;
    memory gradient = same ? layer.gradient : memory(shape.gradient, engine_);
    shape.backward_weights.execute(stream_, {{DNNL_ARG_SRC, memory_of(shape, from)},
                                             {DNNL_ARG_DIFF_DST, memory_of(shape, pull)},
                                             {DNNL_ARG_DIFF_WEIGHTS, gradient}});
    shape.backward_data.execute(stream_, {{DNNL_ARG_DIFF_DST, memory_of(shape, pull)},
                                          {DNNL_ARG_WEIGHTS, arranged(layer.weights, shape.data_weights)},
                                          {DNNL_ARG_DIFF_SRC, memory_of(shape, to)}});
    stream_.wait();
    if (!same) reorder(gradient, layer.gradient);
  }

  using Key = std::tuple<int64_t, int64_t, bool, int>;

  int block_;
  dnnl::engine engine_;
  mutable dnnl::stream stream_;
  memory::desc weights_layout_;
  bool winograd_ = false;
  Edge first_, last_;
  std::array<Middle, kMiddle> middle_;
  int64_t updates_ = 0;
  std::map<Key, Shape> shapes_;
  Buffers buffers_;
};

}  // namespace

std::unique_ptr<ZssrNet> ZssrNet::by_onednn() {
  const int block = Convolver::best_block();
  return block == 0 ? nullptr : std::make_unique<OneDnnNet>(block);
}

}  // namespace teravox

#else

namespace teravox {

std::unique_ptr<ZssrNet> ZssrNet::by_onednn() {
  return nullptr;
}

}  // namespace teravox

#endif
