// SPDX-License-Identifier: Apache-2.0
#include "zssr.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "device.h"
#include "guard.h"
#include "random.h"
#include "zssr_crops.h"
#include "zssr_output.h"
#include "zssr_rate.h"

namespace teravox {
namespace {

constexpr uint64_t kNoise = 0x4015e, kFather = 0xfa7e4;
constexpr int64_t kTile = 512;
constexpr double kWarmRate = .1;       // of the learning rate, for a network that has learnt from a neighbour
constexpr double kTrainingShare = .9;  // of the progress
// The noise of the reconstruction error's son: the same at every test, so that errors differ by the network alone.
constexpr uint64_t kTestDraw = std::numeric_limits<uint64_t>::max();

void require_option(bool good, const char *field, const char *range) {
  if (!good) throw Error(TVX_BAD_ARGUMENT, std::string("super-resolution: ") + field + " must be " + range);
}

// One axis may stay as it is.
bool usable_scale(const double (&scale)[2]) {
  const auto enlarges = [](double s) { return s >= 1.2 && s <= 4; };
  return (enlarges(scale[0]) || scale[0] == 1) && (enlarges(scale[1]) || scale[1] == 1) &&
         !(scale[0] == 1 && scale[1] == 1);
}

Shape2 shape_of(const Plane &image) {
  return {image.y, image.x};
}

Shape2 enlarged_by(const Shape2 &shape, const Scale2 &scale) {
  return {enlarged_size(shape[0], scale[0]), enlarged_size(shape[1], scale[1])};
}

// An image of n pixels may have been n * scale before, give or take half a pixel of its own: a size that the scale does
// not divide was rounded. Beyond that the shape belongs to another scale.
void require_enlarged(const Shape2 &shape, const Shape2 &enlarged, const Scale2 &scale) {
  for (size_t axis = 0; axis < 2; ++axis) {
    const double exact = static_cast<double>(shape[axis]) * scale[axis];
    const double margin = scale[axis] == 1 ? 0 : std::max(1.0, scale[axis] / 2);
    if (std::abs(static_cast<double>(enlarged[axis]) - exact) > margin + 1e-6) {
      throw Error(TVX_BAD_SHAPE, std::to_string(shape[axis]) + " pixels along axis " + "yx"[axis] + " cannot become " +
                                     std::to_string(enlarged[axis]) + " by a scale of " + std::to_string(scale[axis]));
    }
  }
}

Shape2 reduced_shape(const Shape2 &shape, const Scale2 &scale) {
  return {reduced_size(shape[0], scale[0]), reduced_size(shape[1], scale[1])};
}

void add_noise(Plane *image, float sigma, uint64_t seed, uint64_t index) {
  const RandomStream random(seed, index, kNoise);
  for (size_t i = 0; i < image->pixels.size(); i += 2) {
    float first, second;
    random.normal_pair(i / 2, &first, &second);
    image->pixels[i] += sigma * first;
    if (i + 1 < image->pixels.size()) image->pixels[i + 1] += sigma * second;
  }
}

// A son of the father, brought back to the father's size: what the network starts from.
Plane son_enlarged(const ScalePair &scales, const Plane &father, float top, float noise, uint64_t seed,
                   uint64_t index) {
  Plane son = resampled(scales.down, father);
  if (noise > 0) add_noise(&son, noise, seed, index);
  clip(&son, top);
  return resampled(scales.up, son);
}

double mean_square(const Plane &a, const Plane &b) {
  double sum = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) {
    const double d = static_cast<double>(a.pixels[i]) - static_cast<double>(b.pixels[i]);
    sum += d * d;
  }
  return sum / static_cast<double>(a.pixels.size());
}

// The scales on the way to the last one. Gradual: half the way along one axis, along the other, along both, then the
// whole way along each and both ([1,1.5] [1.5,1] [1.5,1.5] [1.5,2] [2,1.5] [2,2] for a scale of 2).
std::vector<Scale2> scales_to(const Scale2 &last, bool gradual) {
  if (!gradual) return {last};
  const Scale2 half = {(1 + last[0]) / 2, (1 + last[1]) / 2};
  std::vector<Scale2> all;
  for (const Scale2 &s :
       {Scale2{1, half[1]}, Scale2{half[0], 1}, half, Scale2{half[0], last[1]}, Scale2{last[0], half[1]}, last}) {
    const bool none = s[0] == 1 && s[1] == 1;
    if (!none && std::find(all.begin(), all.end(), s) == all.end()) all.push_back(s);
  }
  return all;
}

}  // namespace

tvx_zssr_options default_zssr_options() {
  tvx_zssr_options o{};
  o.scale[0] = o.scale[1] = 2;
  o.learning_rate = 1e-3;
  o.min_learning_rate = 9e-6;
  o.max_iterations = 3000;
  o.crop = 128;
  o.back_projections = 10;
  o.ensemble = 1;
  return o;
}

void validate(const tvx_zssr_options &o) {
  // Comparisons are written so that NaN fails them.
  require_option(usable_scale(o.scale), "scale", "1.2 to 4 per axis, or 1 for one of the two");
  require_option(o.noise >= 0 && o.noise <= 65535, "noise", "0 to 65535 grey levels");
  require_option(o.learning_rate > 0 && o.learning_rate <= 1, "learning_rate", "above 0 and at most 1");
  require_option(o.min_learning_rate > 0 && o.min_learning_rate <= o.learning_rate, "min_learning_rate",
                 "above 0 and at most the learning rate");
  require_option(o.max_iterations >= 1 && o.max_iterations <= 1000000, "max_iterations", "1 to 1000000");
  require_option(o.crop >= 16 && o.crop <= 1024, "crop", "16 to 1024 pixels");
  require_option(o.back_projections >= 0 && o.back_projections <= 1000, "back_projections", "0 to 1000");
}

Zssr::Zssr(const tvx_zssr_options &options, const Reduction &reduction, const std::string &device, int32_t threads)
    : options_(options), reduction_(reduction), threads_(threads) {
  validate(options);
  use_threads(threads);
  net_ = ZssrNet::best(parse_device(device));
}

Shape2 Zssr::enlarged_shape(const Shape2 &shape) const {
  return enlarged_by(shape, {options_.scale[0], options_.scale[1]});
}

Plane Zssr::run(const Plane &image, const Shape2 &enlarged, float top, uint64_t seed, bool warm,
                const tvx_callbacks *callbacks) {
  use_threads(threads_);
  warm = warm && trained_;
  state_ = {};
  state_.learning_rate = options_.learning_rate;
  const Scale2 last = {options_.scale[0], options_.scale[1]};
  require_enlarged(shape_of(image), enlarged, last);
  const auto [low, high] = std::minmax_element(image.pixels.begin(), image.pixels.end());
  if (*low == *high) {
    // Nothing to learn, and the network, which has no bias, could only spoil it.
    Plane result(enlarged[0], enlarged[1]);
    std::fill(result.pixels.begin(), result.pixels.end(), *low);
    return result;
  }
  // 8-bit levels become 0..1 as published. Of 16-bit images many use a part of the range only, so there the largest
  // level becomes 1: the same image gives the same network whatever it is stored as.
  unit_ = top > 255 ? *high : top;
  const float unit_top = top / unit_;
  Plane own = image;
  for (float &pixel : own.pixels) pixel /= unit_;

  const std::vector<Scale2> scales = scales_to(last, options_.gradual != 0);
  state_.steps = static_cast<int32_t>(scales.size());
  std::vector<Plane> fathers = {own};
  Plane result;
  if (!warm) net_->set(zssr_initial_weights(seed));
  trained_ = false;
  for (const Scale2 &scale : scales) {
    state_.step += 1;
    state_.fell_back = 0;
    train(own, fathers, scale, unit_top, static_cast<float>(options_.noise / unit_), seed, warm, callbacks);
    const bool is_last = state_.step == state_.steps;
    result = enlarge(own, scale, is_last ? enlarged : enlarged_by(shape_of(own), scale), unit_top, callbacks);
    if (state_.step < state_.steps) fathers.push_back(result);
  }
  trained_ = state_.fell_back == 0;
  for (float &pixel : result.pixels) pixel *= unit_;
  clip(&result, top);
  report_progress(callbacks, 1);
  return result;
}

void Zssr::progress(double of_step, const tvx_callbacks *callbacks) const {
  report_progress(callbacks, (state_.step - 1 + of_step) / state_.steps);
}

void Zssr::train(const Plane &image, const std::vector<Plane> &fathers, const Scale2 &scale, float top, float noise,
                 uint64_t seed, bool warm, const tvx_callbacks *callbacks) {
  const auto poll = [&] { poll_abort(callbacks); };
  const Shape2 crop_shape = {std::min<int64_t>(options_.crop, image.y), std::min<int64_t>(options_.crop, image.x)};
  const ScalePair crop_scales(reduction_, crop_shape, reduced_shape(crop_shape, scale));
  const ScalePair image_scales(reduction_, shape_of(image), reduced_shape(shape_of(image), scale));
  const Plane test = son_enlarged(image_scales, image, top, noise, seed, kTestDraw);
  const double plain_error = mean_square(test, image);
  const auto measure = [&] {
    Plane output = forward_tiled(net_.get(), test, kTile, poll);
    clip(&output, top);
    return mean_square(output, image);
  };
  state_.bicubic_error = std::sqrt(plain_error) * unit_;

  Plane crop(crop_shape[0], crop_shape[1]), inside(crop_shape[0], crop_shape[1]);
  LearningRateRule rule(options_.learning_rate * (warm ? kWarmRate : 1), options_.min_learning_rate);
  std::vector<at::Tensor> good = net_->weights();
  const auto retreat = [&](int64_t iteration) {
    net_->set(good);
    rule.lower(iteration);
  };
  for (int64_t iteration = 0; iteration < options_.max_iterations && !rule.ended(); ++iteration) {
    poll();
    const uint64_t index = static_cast<uint64_t>(state_.iterations);
    const uint64_t chosen = RandomStream(seed, index, kFather).bits(0) % fathers.size();
    const Plane &father = fathers[static_cast<size_t>(chosen)];
    const CropDraw draw = draw_crop(seed, index, father.y, father.x, crop.y, crop.x);
    const int64_t count = cut_crop(father, draw, &crop, &inside);
    clip(&crop, top);
    const Plane input = son_enlarged(crop_scales, crop, top, noise, seed, index);
    const bool finite = std::isfinite(net_->learn(input, crop, inside, count));
    if (finite) net_->update(rule.rate());
    state_.iterations += 1;
    if (!finite) {
      retreat(iteration);
    } else if (iteration % LearningRateRule::kTestEvery == 0) {
      const double error = measure();
      if (std::isfinite(error)) {
        good = net_->weights();
        rule.report(iteration, error);
        state_.error = std::sqrt(error) * unit_;
      } else {
        retreat(iteration);
      }
    }
    rule.consider(iteration);
    state_.learning_rate = rule.rate();
    progress(static_cast<double>(iteration + 1) / options_.max_iterations * kTrainingShare, callbacks);
  }
  const double error = measure();
  state_.fell_back = error <= plain_error ? 0 : 1;
  if (state_.fell_back == 0) state_.error = std::sqrt(error) * unit_;
}

Plane Zssr::enlarge(const Plane &image, const Scale2 &scale, const Shape2 &shape, float top,
                    const tvx_callbacks *callbacks) {
  const ScalePair scales(reduction_, shape, shape_of(image));
  const Enlarging how = {options_.ensemble != 0, scale[0] == scale[1], options_.back_projections, top, kTile};
  return enlarged(
      state_.fell_back != 0 ? nullptr : net_.get(), image, scales, how, [&] { poll_abort(callbacks); },
      [&](double share) { progress(kTrainingShare + (1 - kTrainingShare) * share, callbacks); });
}

}  // namespace teravox
