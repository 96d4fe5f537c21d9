// SPDX-License-Identifier: Apache-2.0
//
// Zero-shot super-resolution through teravox.h.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <vector>

#include "check.h"
#include "random.h"
#include "teravox.h"

namespace {

template <typename Pixel>
struct Image {
  int64_t y, x;
  std::vector<Pixel> pixels;
};

// Straight edges between two levels, which `unit` multiplies: a network that has learnt them small knows them large.
template <typename Pixel>
Image<Pixel> edges(int64_t y, int64_t x, int unit = 1) {
  Image<Pixel> image{y, x, std::vector<Pixel>(static_cast<size_t>(y * x))};
  for (int64_t i = 0; i < y; ++i) {
    for (int64_t j = 0; j < x; ++j) {
      const bool dark = ((7 * i + 3 * j) / 85 + (5 * j - 2 * i + 1000) / 95) % 2 == 1;
      image.pixels[static_cast<size_t>(i * x + j)] = static_cast<Pixel>(unit * (dark ? 60 : 180));
    }
  }
  return image;
}

// What a network has begun to learn after: its small first weights hardly show in the first hundred iterations.
constexpr int32_t kEnough = 150;

struct Run {
  tvx_zssr_options options;
  tvx_reduction reduction{TVX_REDUCE_BICUBIC, {0, 0}, nullptr};
  tvx_callbacks callbacks{nullptr, nullptr, nullptr};
  uint64_t seed = 1;
  tvx_status status = TVX_OK;
  tvx_zssr_state state{};
  int64_t wanted[2] = {0, 0};  // 0: by the scale

  explicit Run(int32_t iterations) {
    tvx_zssr_defaults(&options);
    options.max_iterations = iterations;
    options.crop = 32;
  }

  template <typename Pixel>
  Image<Pixel> operator()(const Image<Pixel> &image, const Image<Pixel> *warm_after = nullptr) {
    tvx_zssr *zssr = nullptr;
    Image<Pixel> result{0, 0, {}};
    status = tvx_zssr_create(&options, &reduction, "cpu", 1, &zssr);
    if (status != TVX_OK) return result;
    const int64_t shape[2] = {image.y, image.x};
    int64_t enlarged[2];
    CHECK_EQUAL(tvx_zssr_shape(zssr, shape, enlarged), TVX_OK);
    if (wanted[0] != 0) std::copy_n(wanted, 2, enlarged);
    result = {enlarged[0], enlarged[1], std::vector<Pixel>(static_cast<size_t>(enlarged[0] * enlarged[1]))};
    const int32_t type = sizeof(Pixel) == 2 ? TVX_UINT16 : TVX_UINT8;
    if (warm_after != nullptr) {
      const int64_t before[2] = {warm_after->y, warm_after->x};
      int64_t after[2];
      CHECK_EQUAL(tvx_zssr_shape(zssr, before, after), TVX_OK);
      std::vector<Pixel> unused(static_cast<size_t>(after[0] * after[1]));
      const void *pixels = warm_after->pixels.data();
      CHECK_EQUAL(tvx_zssr_run(zssr, pixels, type, before, after, seed, 0, unused.data(), nullptr), TVX_OK);
    }
    const int32_t warm = warm_after != nullptr ? 1 : 0;
    status =
        tvx_zssr_run(zssr, image.pixels.data(), type, shape, enlarged, seed, warm, result.pixels.data(), &callbacks);
    CHECK_EQUAL(tvx_zssr_get_state(zssr, &state), TVX_OK);
    tvx_zssr_free(zssr);
    return result;
  }
};

int most_between_neighbours(const Image<uint8_t> &image) {
  int most = 0;
  for (size_t i = 1; i < image.pixels.size(); ++i)
    most = std::max(most, std::abs(image.pixels[i] - image.pixels[i - 1]));
  return most;
}

}  // namespace

TEST(training_beats_bicubic_on_the_image_itself) {
  Run run(kEnough);
  run(edges<uint8_t>(64, 64));
  CHECK_EQUAL(run.status, TVX_OK);
  CHECK_EQUAL(run.state.iterations, kEnough);
  CHECK_EQUAL(run.state.fell_back, 0);
  CHECK(run.state.error < .9 * run.state.bicubic_error);
  CHECK(run.state.bicubic_error > 5 && run.state.bicubic_error < 60);
}

TEST(the_same_seed_gives_the_same_bytes_and_another_does_not) {
  const auto image = edges<uint8_t>(50, 64);
  Run run(40);
  const auto first = run(image);
  const double error = run.state.error;
  CHECK(run(image).pixels == first.pixels);
  CHECK_EQUAL(run.state.error, error);
  run.seed = 2;
  run(image);
  CHECK(run.state.error != error);  // so short a training changes few pixels
}

TEST(levels_of_16_bits_are_treated_as_those_of_8) {
  Run run(20);  // few, since training lets roundings grow
  const auto narrow = run(edges<uint8_t>(50, 54));
  const auto wide = run(edges<uint16_t>(50, 54, 257));
  const auto few = run(edges<uint16_t>(50, 54));
  CHECK_EQUAL(narrow.pixels.size(), wide.pixels.size());
  double most = 0, most_few = 0;
  for (size_t i = 0; i < narrow.pixels.size(); ++i) {
    most = std::max(most, std::abs(narrow.pixels[i] - wide.pixels[i] / 257.0));
    most_few = std::max(most_few, std::abs(wide.pixels[i] / 257.0 - few.pixels[i]));
  }
  CHECK(most < .7 && most_few < .7);  // the same but for rounding
}

TEST(the_result_has_ceil_of_size_times_scale_pixels) {
  Run run(2);
  using Case = std::tuple<double, double, int64_t, int64_t>;
  const std::vector<Case> cases = {{2, 2, 66, 82},     {1.2, 1.2, 40, 50}, {4, 4, 132, 164}, {1.5, 3, 50, 123},
                                   {2.3, 1.7, 76, 70}, {1, 2, 33, 82},     {1.5, 1, 50, 41}};
  for (const auto &[sy, sx, y, x] : cases) {
    run.options.scale[0] = sy, run.options.scale[1] = sx;
    const auto result = run(edges<uint8_t>(33, 41));
    CHECK_EQUAL(run.status, TVX_OK);
    CHECK_EQUAL(result.y, y);
    CHECK_EQUAL(result.x, x);
  }
}

TEST(an_image_that_was_reduced_comes_back_to_the_shape_it_had) {
  for (const auto &[scale, y, x] :
       std::vector<std::tuple<double, int64_t, int64_t>>{{2, 48, 66}, {1.5, 65, 87}, {4, 24, 33}, {3, 32, 44}}) {
    const auto fine = edges<uint8_t>(97, 131);
    std::vector<float> from(fine.pixels.begin(), fine.pixels.end()), to(static_cast<size_t>(y * x));
    const int64_t before[2] = {97, 131}, after[2] = {y, x};
    Run run(2);
    CHECK_EQUAL(tvx_resample_reduce(&run.reduction, from.data(), before, after, to.data()), TVX_OK);
    Image<uint8_t> coarse{y, x, {}};
    for (const float level : to)
      coarse.pixels.push_back(static_cast<uint8_t>(std::clamp(std::lround(level), 0l, 255l)));

    run.options.scale[0] = run.options.scale[1] = scale;
    std::copy_n(before, 2, run.wanted);
    const auto result = run(coarse);
    CHECK_EQUAL(run.status, TVX_OK);
    CHECK_EQUAL(result.pixels.size(), fine.pixels.size());

    // Reduced again it is the coarse image: nothing was shifted, not even by part of a pixel.
    std::vector<float> back(to.size());
    from.assign(result.pixels.begin(), result.pixels.end());
    CHECK_EQUAL(tvx_resample_reduce(&run.reduction, from.data(), before, after, back.data()), TVX_OK);
    double sum = 0;
    for (size_t i = 0; i < back.size(); ++i) sum += std::pow(back[i] - coarse.pixels[i], 2);
    CHECK(std::sqrt(sum / static_cast<double>(back.size())) < 2);

    run.wanted[1] = 131 + static_cast<int64_t>(2 * scale);
    run(coarse);
    CHECK_EQUAL(run.status, TVX_BAD_SHAPE);
    CHECK(std::string(tvx_last_error()).find("along axis x") != std::string::npos);
  }
}

TEST(gradual_takes_six_steps) {
  Run run(3);
  run.options.gradual = 1;
  run(edges<uint8_t>(40, 40));
  CHECK_EQUAL(run.status, TVX_OK);
  CHECK_EQUAL(run.state.steps, 6);
  CHECK_EQUAL(run.state.step, 6);
  CHECK_EQUAL(run.state.iterations, 18);
}

TEST(an_image_of_equal_pixels_comes_back_as_one) {
  Run run(3000);
  const Image<uint8_t> flat{20, 30, std::vector<uint8_t>(600, 77)};
  const auto result = run(flat);
  CHECK_EQUAL(run.status, TVX_OK);
  CHECK_EQUAL(run.state.iterations, 0);
  CHECK(std::all_of(result.pixels.begin(), result.pixels.end(), [](uint8_t p) { return p == 77; }));
}

TEST(tiny_and_thin_images_give_images_like_them) {
  for (const auto &[y, x] :
       std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {1, 2}, {1, 200}, {200, 1}, {2, 2}, {3, 5}, {5, 150}}) {
    Run run(40);
    const auto image = edges<uint8_t>(y, x);
    const auto result = run(image);
    CHECK_EQUAL(run.status, TVX_OK);
    CHECK_EQUAL(result.y, 2 * y);
    CHECK_EQUAL(result.x, 2 * x);
    // Reduced again it is the image, whatever overshoots at its edges.
    const std::vector<float> large(result.pixels.begin(), result.pixels.end());
    std::vector<float> small(image.pixels.size());
    const int64_t from[2] = {result.y, result.x}, to[2] = {y, x};
    CHECK_EQUAL(tvx_resample_reduce(&run.reduction, large.data(), from, to, small.data()), TVX_OK);
    double most = 0;
    for (size_t i = 0; i < small.size(); ++i) most = std::max<double>(most, std::abs(small[i] - image.pixels[i]));
    CHECK(most < 3);
  }
}

TEST(pure_noise_gives_noise_no_worse_than_bicubic) {
  Image<uint8_t> image{64, 64, std::vector<uint8_t>(4096)};
  const teravox::RandomStream random(5, 6, 7);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = random.bits(i) % 2 ? 255 : 0;
  Run run(200);
  const auto result = run(image);
  CHECK_EQUAL(run.status, TVX_OK);
  CHECK(std::isfinite(run.state.error));
  CHECK(run.state.error <= run.state.bicubic_error || run.state.fell_back == 1);
  CHECK(most_between_neighbours(result) > 50);
}

TEST(a_learning_rate_that_breaks_the_network_gives_bicubic) {
  Run run(60);
  run.options.learning_rate = 1;
  const auto image = edges<uint8_t>(48, 48);
  const auto result = run(image);
  CHECK_EQUAL(run.status, TVX_OK);
  CHECK(run.state.fell_back == 1 || run.state.error <= run.state.bicubic_error);
  CHECK(std::isfinite(run.state.error));
  std::vector<float> from(image.pixels.begin(), image.pixels.end()), bicubic(result.pixels.size());
  const int64_t small[2] = {48, 48}, large[2] = {96, 96};
  CHECK_EQUAL(tvx_resample_enlarge(from.data(), small, large, bicubic.data()), TVX_OK);
  double sum = 0;
  for (size_t i = 0; i < bicubic.size(); ++i) sum += std::pow(bicubic[i] - result.pixels[i], 2);
  CHECK(std::sqrt(sum / static_cast<double>(bicubic.size())) < 12);  // back-projection sharpens it
}

TEST(warm_start_begins_where_the_neighbour_ended) {
  const auto image = edges<uint8_t>(64, 64);
  Run cold(kEnough);
  cold(image);
  Run warm(kEnough);
  warm(image, &image);
  CHECK(warm.state.error < cold.state.error);
  CHECK(warm.state.learning_rate < 1.01e-4);
}

namespace {

struct Watch {
  int calls = 0, told = 0;
  double last = 0;
  bool falls = false;
  int stop_at = 1 << 30;
};

}  // namespace

TEST(progress_rises_to_one) {
  constexpr int32_t kIterations = 80;
  Watch watch;
  Run run(kIterations);
  run.callbacks = {nullptr,
                   [](double fraction, void *user) {
                     auto &w = *static_cast<Watch *>(user);
                     ++w.told;
                     w.falls |= fraction < w.last;
                     w.last = fraction;
                   },
                   &watch};
  run(edges<uint8_t>(64, 64));
  CHECK(watch.told >= kIterations + 8);
  CHECK(!watch.falls);
  CHECK_EQUAL(watch.last, 1.0);
}

TEST(abort_stops_between_iterations) {
  for (const int stop_at : {1, 5, 40}) {
    Watch watch;
    watch.stop_at = stop_at;
    Run run(20);
    run.callbacks = {[](void *user) {
                       auto &w = *static_cast<Watch *>(user);
                       return ++w.calls >= w.stop_at ? 1 : 0;
                     },
                     nullptr, &watch};
    run(edges<uint8_t>(40, 40));
    CHECK_EQUAL(run.status, TVX_ABORTED);
    CHECK_EQUAL(watch.calls, stop_at);
  }
}

TEST(bad_options_are_named) {
  const auto image = edges<uint8_t>(20, 20);
  const auto refused = [&](void (*change)(tvx_zssr_options *), const char *name) {
    Run run(2);
    change(&run.options);
    run(image);
    CHECK_EQUAL(run.status, TVX_BAD_ARGUMENT);
    CHECK(std::string(tvx_last_error()).find(name) != std::string::npos);
  };
  refused([](tvx_zssr_options *o) { o->scale[0] = 1.1; }, "scale");
  refused([](tvx_zssr_options *o) { o->scale[1] = 4.5; }, "scale");
  refused([](tvx_zssr_options *o) { o->scale[1] = NAN; }, "scale");
  refused([](tvx_zssr_options *o) { o->scale[0] = o->scale[1] = 1; }, "scale");
  refused([](tvx_zssr_options *o) { o->noise = -1; }, "noise");
  refused([](tvx_zssr_options *o) { o->learning_rate = 0; }, "learning_rate");
  refused([](tvx_zssr_options *o) { o->min_learning_rate = 1; }, "min_learning_rate");
  refused([](tvx_zssr_options *o) { o->max_iterations = 0; }, "max_iterations");
  refused([](tvx_zssr_options *o) { o->crop = 8; }, "crop");
  refused([](tvx_zssr_options *o) { o->back_projections = -1; }, "back_projections");
}

TEST(a_shape_without_pixels_is_refused) {
  Run run(2);
  tvx_zssr *zssr = nullptr;
  CHECK_EQUAL(tvx_zssr_create(&run.options, &run.reduction, "cpu", 1, &zssr), TVX_OK);
  const int64_t shape[2] = {0, 20};
  int64_t enlarged[2];
  CHECK_EQUAL(tvx_zssr_shape(zssr, shape, enlarged), TVX_BAD_SHAPE);
  uint8_t pixel = 0;
  CHECK_EQUAL(tvx_zssr_run(zssr, &pixel, TVX_UINT8, shape, shape, 1, 0, &pixel, nullptr), TVX_BAD_SHAPE);
  CHECK(std::string(tvx_last_error()).find("0 pixels along axis y") != std::string::npos);
  tvx_zssr_free(zssr);
}

CHECK_MAIN
