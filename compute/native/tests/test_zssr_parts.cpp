// SPDX-License-Identifier: Apache-2.0
//
// The parts of zero-shot super-resolution, each for itself.
#include <ATen/ATen.h>

#include <cmath>

#include "device.h"
#include "random.h"
#include "zssr_crops.h"
#include "zssr_net.h"
#include "zssr_output.h"
#include "zssr_rate.h"

// glog, which libtorch brings, has macros of these names.
#undef CHECK
#include "check.h"

namespace {

using teravox::CropDraw;
using teravox::LearningRateRule;
using teravox::Plane;
using teravox::Reduction;
using teravox::ScalePair;
using teravox::ZssrNet;

// Smooth shapes of any size, 0..1.
Plane waves(int64_t y, int64_t x) {
  Plane image(y, x);
  for (int64_t i = 0; i < y; ++i) {
    for (int64_t j = 0; j < x; ++j) {
      const double a = static_cast<double>(i), b = static_cast<double>(j);
      image.row(i)[j] =
          static_cast<float>(.5 + .25 * std::sin(.31 * a + .05 * b) + .2 * std::sin(.023 * a * b / 9 + .4 * b));
    }
  }
  return image;
}

double difference(const Plane &a, const Plane &b) {
  if (a.y != b.y || a.x != b.x) return INFINITY;
  double most = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) most = std::max<double>(most, std::abs(a.pixels[i] - b.pixels[i]));
  return most;
}

double rms(const Plane &a, const Plane &b) {
  double sum = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) sum += std::pow(a.pixels[i] - b.pixels[i], 2);
  return std::sqrt(sum / static_cast<double>(a.pixels.size()));
}

// Weights large enough for the network to change its input visibly.
std::vector<at::Tensor> strong_weights(uint64_t seed) {
  std::vector<at::Tensor> weights = teravox::zssr_initial_weights(seed);
  for (at::Tensor &w : weights) w.mul_(3.5);
  return weights;
}

std::unique_ptr<ZssrNet> by_torch() {
  return ZssrNet::by_torch(c10::Device(c10::kCPU));
}

// Every network there is here: by libtorch, and by oneDNN where the build and the processor have it.
std::vector<std::unique_ptr<ZssrNet>> networks(uint64_t seed) {
  std::vector<std::unique_ptr<ZssrNet>> all;
  all.push_back(by_torch());
  if (auto fast = ZssrNet::by_onednn()) all.push_back(std::move(fast));
  for (const auto &net : all) net->set(strong_weights(seed));
  return all;
}

double difference(const at::Tensor &a, const at::Tensor &b) {
  return (a - b).abs().max().item<double>() / b.abs().max().item<double>();
}

void nothing() {}

}  // namespace

TEST(crops_hold_nothing_from_outside_the_father) {
  // A plane is reproduced exactly by cubic interpolation, and by nothing that is mirrored or black.
  const double slope_y = .003, slope_x = -.002;
  const std::vector<std::array<int64_t, 4>> cases = {{512, 512, 128, 128}, {256, 256, 128, 128}, {130, 300, 128, 128},
                                                     {90, 400, 90, 128},   {64, 64, 64, 64},     {1, 200, 1, 128}};
  for (const auto &[father_y, father_x, crop_y, crop_x] : cases) {
    Plane father(father_y, father_x);
    for (int64_t i = 0; i < father_y; ++i) {
      for (int64_t j = 0; j < father_x; ++j) father.row(i)[j] = static_cast<float>(1 + slope_y * i + slope_x * j);
    }
    int affine = 0, wrong = 0;
    for (uint64_t index = 0; index < 400; ++index) {
      const CropDraw draw = teravox::draw_crop(7, index, father_y, father_x, crop_y, crop_x);
      Plane crop(crop_y, crop_x), inside(crop_y, crop_x);
      const int64_t count = teravox::cut_crop(father, draw, &crop, &inside);
      affine += !draw.exact;
      int64_t counted = 0;
      for (int64_t i = 0; i < crop_y; ++i) {
        for (int64_t j = 0; j < crop_x; ++j) {
          if (inside.row(i)[j] == 0) continue;
          ++counted;
          const double v = static_cast<double>(i) - .5 * (crop_y - 1), u = static_cast<double>(j) - .5 * (crop_x - 1);
          const double y = draw.centre[0] + draw.turn[0][0] * v + draw.turn[0][1] * u;
          const double x = draw.centre[1] + draw.turn[1][0] * v + draw.turn[1][1] * u;
          const bool within = y > -1e-9 && y < father_y - 1 + 1e-9 && x > -1e-9 && x < father_x - 1 + 1e-9;
          wrong += !within || std::abs(crop.row(i)[j] - (1 + slope_y * y + slope_x * x)) > 2e-5;
        }
      }
      CHECK_EQUAL(counted, count);
      CHECK(2.2 * static_cast<double>(count) >= static_cast<double>(crop_y * crop_x));
      if (draw.exact || father_y == 512) CHECK_EQUAL(count, crop_y * crop_x);
    }
    CHECK_EQUAL(wrong, 0);
    if (father_y >= 256) CHECK(affine > 150);
  }
}

TEST(crops_are_drawn_with_the_published_shares) {
  int as_is = 0, exact = 0;
  std::array<int, 8> turns{};
  double least = 9, most = 0;
  for (uint64_t index = 0; index < 20000; ++index) {
    const CropDraw draw = teravox::draw_crop(3, index, 600, 700, 128, 128);
    const auto &t = draw.turn;
    if (!draw.exact) {
      // The father's pixels per pixel of the crop, as an area.
      const double area = std::abs(t[0][0] * t[1][1] - t[0][1] * t[1][0]);
      least = std::min(least, area), most = std::max(most, area);
      continue;
    }
    ++exact;
    const bool swapped = t[0][0] == 0;
    const int turn = (t[0][swapped ? 1 : 0] < 0) + 2 * (t[1][swapped ? 0 : 1] < 0) + 4 * swapped;
    ++turns[static_cast<size_t>(turn)];
  }
  as_is = turns[0] - exact * 45 / 50 / 8;
  CHECK(std::abs(exact - 10000) < 300);
  CHECK(std::abs(as_is - 1000) < 150);
  for (size_t turn = 1; turn < 8; ++turn) CHECK(std::abs(turns[turn] - 1125) < 150);
  CHECK(least > .85 && least < 1.05 && most > 3.9 && most < 5);
}

TEST(crops_of_another_seed_or_index_differ) {
  const auto centre = [](uint64_t seed, uint64_t index) {
    return teravox::draw_crop(seed, index, 600, 700, 128, 128).centre;
  };
  CHECK(centre(1, 0) == centre(1, 0));
  CHECK(centre(1, 0) != centre(1, 1));
  CHECK(centre(1, 0) != centre(2, 0));
}

namespace {

// Iterations at which the rate falls when the error follows `error`, until the run ends or `most` iterations are made.
std::vector<int64_t> falls(double (*error)(int64_t), int64_t most = 3000) {
  LearningRateRule rule(1e-3, 9e-6);
  std::vector<int64_t> result;
  for (int64_t i = 0; i < most && !rule.ended(); ++i) {
    if (i % LearningRateRule::kTestEvery == 0) rule.report(i, error(i));
    const double before = rule.rate();
    rule.consider(i);
    if (rule.rate() < before) result.push_back(i + 1);
  }
  return result;
}

}  // namespace

TEST(learning_rate_stays_while_the_error_falls) {
  CHECK(falls([](int64_t i) { return 1 - 1e-4 * i; }).empty());
  CHECK(falls([](int64_t i) { return 1 - 1e-4 * i + (i / 50 % 2 ? 1e-4 : -1e-4); }).empty());
}

TEST(learning_rate_falls_by_tens_when_the_error_stands_still) {
  const std::vector<int64_t> expected = {300, 600, 900};
  CHECK(falls([](int64_t) { return .5; }) == expected);
  CHECK(falls([](int64_t i) { return .5 + (i / 50 % 2 ? 1e-3 : -1e-3); }) == expected);
  CHECK(falls([](int64_t i) { return .5 + 1e-4 * i; }) == expected);
}

TEST(learning_rate_falls_when_the_slope_drowns_in_the_spread) {
  // Errors 1 0 1 0 1 and a slope b per test: the fit's slope is b, its standard error .2 / sqrt(3) * ... of the
  // residuals. Residual sum 1.2 of (.4 .6 .4 .6 .4), three degrees of freedom, spread of the places 10: sqrt(1.2 / 3 /
  // 10) = .2.
  CHECK_EQUAL(falls([](int64_t i) { return i / 50 % 2 - .134 * (i / 50); }, 300).size(), 0u);
  CHECK_EQUAL(falls([](int64_t i) { return i / 50 % 2 - .132 * (i / 50); }, 300).size(), 1u);
}

TEST(learning_rate_rule_waits_between_changes) {
  std::vector<int64_t> at = falls([](int64_t i) { return i < 1000 ? 1 - 1e-4 * i : .9; });
  CHECK(!at.empty() && at[0] > 1000 && at[0] <= 1260);
  for (size_t i = 1; i < at.size(); ++i) CHECK(at[i] - at[i - 1] > LearningRateRule::kLeastBetween);
  CHECK_EQUAL(at.size(), 3u);
}

TEST(turns_are_undone) {
  const Plane image = waves(7, 11);
  for (int a = 0; a < 8; ++a) {
    CHECK_EQUAL(difference(teravox::turned_back(teravox::turned(image, a), a), image), 0.0);
    for (int b = 0; b < a; ++b) CHECK(difference(teravox::turned(image, a), teravox::turned(image, b)) > .01);
  }
}

TEST(median_of_an_even_number_is_the_mean_of_the_middle_two) {
  std::vector<Plane> images(4, Plane(1, 2));
  const float values[4][2] = {{1, -1}, {8, 5}, {2, 3}, {4, 4}};
  for (size_t i = 0; i < 4; ++i) images[i].pixels = {values[i][0], values[i][1]};
  CHECK((teravox::median(images).pixels == std::vector<float>{3, 3.5}));
  images.pop_back();
  CHECK((teravox::median(images).pixels == std::vector<float>{2, 3}));
}

TEST(back_projection_brings_the_reduced_image_to_the_low_resolution_one) {
  for (const int32_t kind : {TVX_REDUCE_BICUBIC, TVX_REDUCE_GAUSSIAN}) {
    Reduction reduction;
    reduction.kind = kind;
    const ScalePair scales(reduction, {96, 130}, {48, 52});
    const Plane low = teravox::resampled(scales.down, waves(96, 130));
    Plane high = teravox::resampled(scales.up, low);
    double before = rms(teravox::resampled(scales.down, high), low);
    for (int i = 0; i < 5; ++i) {
      teravox::back_project(scales, low, 1, 1, &high, nothing);
      const double after = rms(teravox::resampled(scales.down, high), low);
      CHECK(after < before);
      before = after;
    }
    Plane bright = high;
    for (float &p : bright.pixels) p *= 5;
    teravox::back_project(scales, low, 1, 1, &bright, nothing);
    for (const float p : bright.pixels) CHECK(p >= 0 && p <= 1);
  }
}

TEST(tiles_give_what_the_whole_image_gives) {
  teravox::use_threads(2);
  const auto all = networks(5);
  for (const auto &net : all) {
    const bool chooses = net == all[0];
    for (const auto &[y, x] : std::vector<std::pair<int64_t, int64_t>>{{150, 197}, {64, 230}, {40, 40}, {3, 230}}) {
      const Plane image = waves(y, x);
      const Plane whole = net->forward(image);
      CHECK(difference(whole, image) > 1e-3);
      for (const int64_t tile : {48, 64, 96}) {
        // libtorch chooses among kernels by the size, so its sums differ in the last bit.
        CHECK(difference(teravox::forward_tiled(net.get(), image, tile, nothing), whole) <= (chooses ? 5e-7 : 0));
      }
    }
  }
}

TEST(output_depends_on_the_whole_reach_and_no_more) {
  const auto net = by_torch();
  net->set(strong_weights(5));
  const Plane image = waves(40, 40);
  const Plane before = net->forward(image);
  for (const int64_t distance : {ZssrNet::kReach, ZssrNet::kReach + 1}) {
    Plane other = image;
    other.row(20)[20 + distance] += .5f;
    CHECK((net->forward(other).row(20)[20] != before.row(20)[20]) == (distance == ZssrNet::kReach));
  }
}

TEST(networks_agree_in_output_loss_and_gradients) {
  teravox::use_threads(2);
  for (const auto &[y, x] :
       std::vector<std::pair<int64_t, int64_t>>{{64, 64}, {128, 128}, {37, 61}, {16, 1}, {1, 50}, {1, 2}}) {
    const auto all = networks(11);
    const Plane input = waves(y, x);
    Plane target = input, inside(y, x);
    int64_t count = 0;
    for (size_t i = 0; i < inside.pixels.size(); ++i) {
      inside.pixels[i] = i % 7 != 3;
      count += i % 7 != 3;
      target.pixels[i] += .3f * static_cast<float>(std::sin(static_cast<double>(i)));
    }
    for (const auto &net : all) {
      CHECK(difference(net->forward(input), all[0]->forward(input)) < 1e-4);
      const double loss = net->learn(input, target, inside, count),
                   expected = all[0]->learn(input, target, inside, count);
      CHECK(loss > .05 && std::abs(loss - expected) < 1e-5 * expected);
      const auto ours = net->gradients(), theirs = all[0]->gradients();
      CHECK_EQUAL(ours.size(), 8u);
      for (size_t i = 0; i < ours.size(); ++i) {
        CHECK(ours[i].sizes() == theirs[i].sizes());
        if (theirs[i].abs().max().item<double>() > 0) CHECK(difference(ours[i], theirs[i]) < 2e-3);
      }
    }
  }
}

TEST(networks_update_alike) {
  const auto all = networks(12);
  const Plane input = waves(48, 40);
  Plane target = input, inside(48, 40);
  std::fill(inside.pixels.begin(), inside.pixels.end(), 1.0f);
  for (float &p : target.pixels) p = std::sqrt(p);
  for (const auto &net : all) {
    for (int i = 0; i < 3; ++i) {
      CHECK(net->learn(input, target, inside, 48 * 40) > .01);
      net->update(1e-3);
    }
    const auto start = strong_weights(12), ours = net->weights(), theirs = all[0]->weights();
    for (size_t i = 0; i < ours.size(); ++i) {
      // In the mean: where a gradient is nearly 0 Adam moves a weight to the side that rounding picks.
      const double moved = (theirs[i] - start[i]).abs().mean().item<double>();
      CHECK(moved > 1e-3 && (ours[i] - theirs[i]).abs().mean().item<double>() < .02 * moved);
    }
  }
}

TEST(weights_are_given_back_as_they_were_set) {
  const auto given = strong_weights(3);
  for (const auto &net : networks(3)) {
    for (size_t i = 0; i < given.size(); ++i) CHECK(at::equal(net->weights()[i], given[i]));
  }
}

TEST(ensemble_turns_with_the_image) {
  teravox::use_threads(2);
  const Plane low = waves(30, 44);
  const Reduction reduction;
  for (const auto &net : networks(9)) {
    const auto run = [&](const Plane &image, bool ensemble) {
      const ScalePair scales(reduction, {2 * image.y, 2 * image.x}, {image.y, image.x});
      return teravox::enlarged(net.get(), image, scales, {ensemble, true, 3, 1, 512}, nothing, [](double) {});
    };
    const Plane straight = run(low, true), single = run(low, false);
    for (int turn = 1; turn < 8; ++turn) {
      CHECK(difference(teravox::turned_back(run(teravox::turned(low, turn), true), turn), straight) < 1e-4);
      CHECK(difference(teravox::turned_back(run(teravox::turned(low, turn), false), turn), single) > 1e-3);
    }
  }
}

TEST(loss_leaves_out_what_is_outside) {
  for (const auto &net : networks(2)) {
    const Plane input = waves(24, 30);
    Plane target = waves(24, 30), inside(24, 30);
    int64_t count = 0;
    for (size_t i = 0; i < inside.pixels.size(); ++i) {
      inside.pixels[i] = i % 5 != 0;
      count += i % 5 != 0;
      target.pixels[i] += .1f * static_cast<float>(i % 3);
    }
    const double loss = net->learn(input, target, inside, count);
    const auto gradients = net->gradients();
    for (size_t i = 0; i < inside.pixels.size(); i += 5) target.pixels[i] = 1e6f;
    CHECK_EQUAL(net->learn(input, target, inside, count), loss);
    for (size_t i = 0; i < gradients.size(); ++i) CHECK(at::equal(net->gradients()[i], gradients[i]));
  }
}

TEST(loss_that_is_not_finite_is_nan_and_the_network_goes_on) {
  for (const auto &net : networks(2)) {
    Plane image = waves(16, 16), inside(16, 16);
    std::fill(inside.pixels.begin(), inside.pixels.end(), 1.0f);
    for (const float bad : {NAN, INFINITY}) {
      Plane broken = image;
      broken.pixels[17] = bad;
      CHECK(std::isnan(net->learn(broken, image, inside, 256)));
    }
    CHECK(std::isfinite(net->learn(image, image, inside, 256)));
  }
}

TEST(untrained_network_adds_next_to_nothing) {
  const Plane image = waves(20, 20);
  for (const auto &net : networks(1)) {
    net->set(teravox::zssr_initial_weights(1));
    CHECK(difference(net->forward(image), image) < 1e-3);
  }
}

CHECK_MAIN
