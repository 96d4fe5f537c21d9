// SPDX-License-Identifier: Apache-2.0
//
// What holds for every resampling, whatever the image. That the values are those of scikit-image and of the published
// formulas is compared in tests/Teravox.Compute.Tests.
#include <algorithm>
#include <cmath>
#include <limits>
#include <thread>

#include "check.h"
#include "guard.h"
#include "random.h"
#include "resample.h"

using teravox::Reduction;
using teravox::Resampling;
using teravox::Scale2;
using teravox::Shape2;

namespace {

using Image = std::vector<float>;

int64_t count_of(const Shape2 &shape) {
  return shape[0] * shape[1];
}

template <typename Value>
Image image_of(const Shape2 &shape, Value value) {
  Image image;
  for (int64_t y = 0; y < shape[0]; ++y) {
    for (int64_t x = 0; x < shape[1]; ++x) image.push_back(static_cast<float>(value(y, x)));
  }
  return image;
}

Image noise(const Shape2 &shape, uint64_t seed) {
  const teravox::RandomStream stream(seed, 0, 0);
  return image_of(shape, [&](int64_t y, int64_t x) { return 255 * stream.uniform(y * shape[1] + x); });
}

Image run(const Resampling &plan, const Image &image) {
  CHECK_EQUAL(static_cast<int64_t>(image.size()), count_of(plan.in()));
  Image result(static_cast<size_t>(count_of(plan.out())), std::numeric_limits<float>::quiet_NaN());
  std::vector<float> scratch;
  plan.run(image.data(), result.data(), &scratch);
  return result;
}

Image flipped(const Image &image, const Shape2 &shape, bool in_y, bool in_x) {
  return image_of(shape, [&](int64_t y, int64_t x) {
    return image[(in_y ? shape[0] - 1 - y : y) * shape[1] + (in_x ? shape[1] - 1 - x : x)];
  });
}

double farthest(const Image &a, const Image &b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(static_cast<double>(a[i]) - b[i]);
    if (!(d <= most)) most = d;  // keeps a NaN
  }
  return most;
}

// The same without this many pixels along each border.
double farthest_inside(const Image &a, const Image &b, const Shape2 &shape, const Shape2 &margin) {
  const auto inside = [&](const Image &image) {
    Image cut;
    for (int64_t y = margin[0]; y < shape[0] - margin[0]; ++y) {
      for (int64_t x = margin[1]; x < shape[1] - margin[1]; ++x) cut.push_back(image[y * shape[1] + x]);
    }
    return cut;
  };
  const Image cut = inside(a);
  return cut.size() < 50 ? std::numeric_limits<double>::infinity() : farthest(cut, inside(b));
}

Reduction kernel_of(const Shape2 &shape, const std::vector<double> &weights) {
  Reduction reduction;
  reduction.kind = TVX_REDUCE_KERNEL;
  reduction.kernel_shape = shape;
  reduction.kernel = weights;
  return reduction;
}

Reduction of_kind(int32_t kind) {
  if (kind == TVX_REDUCE_KERNEL) return kernel_of({3, 5}, {0, .1, 0, 0, 0, .1, .2, .3, .1, .1, 0, 0, .1, 0, 0});
  Reduction reduction;
  reduction.kind = kind;
  return reduction;
}

constexpr int32_t kKinds[] = {TVX_REDUCE_BICUBIC, TVX_REDUCE_GAUSSIAN, TVX_REDUCE_KERNEL};
const Scale2 kScales[] = {{2, 2}, {1.2, 3.7}, {4, 1.5}, {1, 2.5}, {3, 1}, {1, 1}};
const Shape2 kShapes[] = {{64, 96}, {33, 17}, {5, 3}, {1, 40}, {1, 1}};

template <typename Body>
void for_every_plan(Body body) {
  for (const Shape2 &shape : kShapes) {
    for (const Scale2 &scale : kScales) {
      const Shape2 large = {teravox::enlarged_size(shape[0], scale[0]), teravox::enlarged_size(shape[1], scale[1])};
      const Shape2 small = {teravox::reduced_size(shape[0], scale[0]), teravox::reduced_size(shape[1], scale[1])};
      body(Resampling::enlarge(shape, large));
      for (int32_t kind : kKinds) body(Resampling::reduce(of_kind(kind), shape, small));
      // The stated scale, as MATLAB's imresize sizes what it makes.
      body(Resampling::enlarge(shape, large, scale));
      const Shape2 cut = {static_cast<int64_t>(std::ceil(static_cast<double>(shape[0]) / scale[0])),
                          static_cast<int64_t>(std::ceil(static_cast<double>(shape[1]) / scale[1]))};
      for (int32_t kind : kKinds) body(Resampling::reduce(of_kind(kind), shape, cut, scale));
    }
  }
}

// f must throw this status, with a text that holds the word.
template <typename Call>
void refused(int line, tvx_status status, const char *word, Call call) {
  try {
    call();
    check::fail(__FILE__, line, "nothing was thrown");
  } catch (const teravox::Error &e) {
    if (e.status() != status || std::strstr(e.what(), word) == nullptr) check::fail(__FILE__, line, e.what());
  }
}
#define REFUSED(status, word, ...) refused(__LINE__, (status), (word), [&] { __VA_ARGS__; })

}  // namespace

TEST(a_constant_image_stays_constant_to_its_last_pixel) {
  for_every_plan([](const Resampling &plan) {
    const auto grey = [](int64_t, int64_t) { return 200; };
    CHECK(farthest(run(plan, image_of(plan.in(), grey)), image_of(plan.out(), grey)) < 1e-4);
  });
}

TEST(a_ramp_is_reproduced_away_from_the_borders) {
  const Shape2 large = {60, 90};
  for (const Scale2 &scale : kScales) {
    const Shape2 small = {teravox::reduced_size(large[0], scale[0]), teravox::reduced_size(large[1], scale[1])};
    const double fy = static_cast<double>(large[0]) / static_cast<double>(small[0]);
    const double fx = static_cast<double>(large[1]) / static_cast<double>(small[1]);
    // The same ramp, seen from the centres of either grid.
    const Image fine = image_of(large, [](double y, double x) { return 20 + 1.5 * (y + .5) - .75 * (x + .5); });
    const Image coarse =
        image_of(small, [&](double y, double x) { return 20 + 1.5 * (y + .5) * fy - .75 * (x + .5) * fx; });
    // 2 input pixels see the border when enlarging. When reducing, 2 output pixels of the widened cubic do, and fewer
    // of the Gaussian (4 sigma = 2 (f - 1)).
    const Shape2 margin = {static_cast<int64_t>(std::ceil(2 * fy)), static_cast<int64_t>(std::ceil(2 * fx))};
    CHECK(farthest_inside(run(Resampling::enlarge(small, large), coarse), fine, large, margin) < 1e-4);
    const Reduction symmetric = kernel_of({3, 3}, {0, .1, 0, .2, .4, .2, 0, .1, 0});
    for (const Reduction &reduction : {of_kind(TVX_REDUCE_GAUSSIAN), symmetric}) {
      CHECK(farthest_inside(run(Resampling::reduce(reduction, large, small), fine), coarse, small, {3, 3}) < 1e-4);
    }
    // The widened cubic is sampled at uneven places where f is no whole number, and is as published a little off there.
    const bool whole = fy == std::floor(fy) && fx == std::floor(fx);
    const Resampling bicubic = Resampling::reduce({}, large, small);
    CHECK(farthest_inside(run(bicubic, fine), coarse, small, {2, 2}) < (whole ? 1e-4 : .1));
  }
}

TEST(a_parabola_is_reproduced_when_enlarging_because_keys_chose_a_to_be_a_half) {
  const Shape2 small = {1, 40}, large = {1, 100};
  const auto parabola = [](double x) { return .1 * x * x - 3 * x + 7; };
  const Image coarse = image_of(small, [&](double, double x) { return parabola(x + .5); });
  const Image fine = run(Resampling::enlarge(small, large), coarse);
  for (int64_t x = 6; x < 94; ++x) {
    CHECK(std::abs(fine[x] - parabola((static_cast<double>(x) + .5) * .4)) < 1e-4);
  }
}

TEST(flipping_before_or_after_is_the_same_when_the_extents_coincide) {
  uint64_t seed = 1;
  for (const Shape2 &shape : kShapes) {
    const Image image = noise(shape, ++seed);
    for (const Scale2 &scale : kScales) {
      const Shape2 large = {teravox::enlarged_size(shape[0], scale[0]), teravox::enlarged_size(shape[1], scale[1])};
      const Shape2 small = {teravox::reduced_size(shape[0], scale[0]), teravox::reduced_size(shape[1], scale[1])};
      std::vector<Resampling> plans = {Resampling::enlarge(shape, large)};
      plans.push_back(Resampling::reduce(of_kind(TVX_REDUCE_BICUBIC), shape, small));
      plans.push_back(Resampling::reduce(of_kind(TVX_REDUCE_GAUSSIAN), shape, small));
      plans.push_back(Resampling::reduce(kernel_of({3, 3}, {.1, .1, .1, .1, .2, .1, .1, .1, .1}), shape, small));
      for (const Resampling &plan : plans) {
        for (int flips = 1; flips < 4; ++flips) {
          const bool in_y = flips & 1, in_x = flips & 2;
          const Image before = run(plan, flipped(image, shape, in_y, in_x));
          CHECK(farthest(before, flipped(run(plan, image), plan.out(), in_y, in_x)) < 2e-4);
        }
      }
    }
  }
}

TEST(an_axis_of_equal_sizes_is_left_alone) {
  const Shape2 shape = {23, 31};
  const Image image = noise(shape, 3);
  CHECK(run(Resampling::enlarge(shape, shape), image) == image);
  CHECK(run(Resampling::reduce(of_kind(TVX_REDUCE_BICUBIC), shape, shape), image) == image);
  CHECK(run(Resampling::reduce(of_kind(TVX_REDUCE_GAUSSIAN), shape, shape), image) == image);
  CHECK(run(Resampling::reduce(kernel_of({1, 1}, {1}), shape, shape), image) == image);
  // One axis alone: each row by itself.
  const Image wide = run(Resampling::enlarge(shape, {23, 62}), image);
  const Image row(image.begin() + 7 * 31, image.begin() + 8 * 31);
  CHECK(run(Resampling::enlarge({1, 31}, {1, 62}), row) == Image(wide.begin() + 7 * 62, wide.begin() + 8 * 62));
}

TEST(a_point_spreads_over_the_widened_kernel_and_keeps_its_mass) {
  for (const Scale2 &scale : {Scale2{2, 2}, Scale2{3, 4}}) {
    const Shape2 large = {48, 48}, small = {48 / int64_t(scale[0]), 48 / int64_t(scale[1])};
    const Image point = image_of(large, [](int64_t y, int64_t x) { return y == 24 && x == 23 ? 1000 : 0; });
    double mass = 0;
    for (float v : run(Resampling::reduce({}, large, small), point)) mass += v;
    CHECK(std::abs(mass * scale[0] * scale[1] / 1000 - 1) < 1e-5);
  }
  // f = 2: an output centre lies half a pixel from its two nearest, Keys at 1/4, 3/4, 5/4, 7/4 of the widened kernel.
  const Image row = image_of({1, 32}, [](int64_t, int64_t x) { return x == 16 ? 1 : 0; });
  const Image half = run(Resampling::reduce(of_kind(TVX_REDUCE_BICUBIC), {1, 32}, {1, 16}), row);
  const double expected[] = {-.03515625, .11328125, .43359375, -.01171875};
  for (int i = 0; i < 4; ++i) CHECK(std::abs(half[i == 0 ? 9 : i == 1 ? 7 : i == 2 ? 8 : 6] - expected[i]) < 1e-6);
}

TEST(a_kernel_is_convolved_and_read_at_the_output_centres) {
  const Image point = image_of({9, 11}, [](int64_t y, int64_t x) { return y == 4 && x == 5 ? 1 : 0; });
  const Reduction uneven = of_kind(TVX_REDUCE_KERNEL);
  const Image spread = run(Resampling::reduce(uneven, {9, 11}, {9, 11}), point);
  for (int64_t y = 0; y < 3; ++y) {
    for (int64_t x = 0; x < 5; ++x) CHECK_EQUAL(spread[(y + 3) * 11 + x + 3], float(uneven.kernel[y * 5 + x]));
  }
  // What lies beyond the border is mirrored: this kernel shows the pixel to the right and below.
  const Shape2 shape = {9, 12};
  const Image image = noise(shape, 8);
  const Image moved = run(Resampling::reduce(kernel_of({3, 3}, {1, 0, 0, 0, 0, 0, 0, 0, 0}), shape, shape), image);
  for (int64_t y = 0; y < 9; ++y) {
    for (int64_t x = 0; x < 12; ++x) {
      CHECK_EQUAL(moved[y * 12 + x], image[std::min<int64_t>(y + 1, 8) * 12 + std::min<int64_t>(x + 1, 11)]);
    }
  }
  // An odd factor reads filtered pixels, an even one lies between them: Keys at -3/2, -1/2, 1/2, 3/2.
  const Reduction identity = kernel_of({1, 1}, {1});
  const Image third = run(Resampling::reduce(identity, shape, {3, 4}), image);
  for (int64_t y = 0; y < 3; ++y) {
    for (int64_t x = 0; x < 4; ++x) CHECK_EQUAL(third[y * 4 + x], image[(3 * y + 1) * 12 + 3 * x + 1]);
  }
  const Image row(image.begin(), image.begin() + 12);
  const Image half = run(Resampling::reduce(identity, {1, 12}, {1, 6}), row);
  CHECK(std::abs(half[2] - (9 * (row[4] + row[5]) - row[3] - row[6]) / 16) < 1e-4);
  CHECK(std::abs(half[0] - (9 * (row[0] + row[1]) - row[0] - row[2]) / 16) < 1e-4);
}

TEST(a_kernel_larger_than_the_image_meets_its_mirror_again) {
  const Reduction box = kernel_of({9, 9}, std::vector<double>(81, 1.0 / 81));
  for (const Shape2 &shape : {Shape2{2, 3}, Shape2{1, 1}}) {
    const Image image = noise(shape, 4);
    const Image result = run(Resampling::reduce(box, shape, {1, 1}), image);
    CHECK(result[0] >= *std::min_element(image.begin(), image.end()) - 1e-3);
    CHECK(result[0] <= *std::max_element(image.begin(), image.end()) + 1e-3);
  }
}

TEST(a_stated_scale_keeps_to_it_where_sizes_do_not_divide) {
  const Shape2 small = {1, 41}, large = {1, 62};  // 41 * 1.5 = 61.5
  const Image coarse = image_of(small, [](double, double x) { return x + .5; });
  const Image stated = run(Resampling::enlarge(small, large, {1, 1.5}), coarse);
  const Image fitted = run(Resampling::enlarge(small, large), coarse);
  for (int64_t x = 4; x < 56; ++x) {
    CHECK(std::abs(stated[x] - (static_cast<double>(x) + .5) / 1.5) < 1e-4);
    CHECK(std::abs(fitted[x] - (static_cast<double>(x) + .5) * 41 / 62) < 1e-4);
  }
  const Shape2 whole = {1, 60};
  const Image image = noise(small, 2);
  CHECK(run(Resampling::enlarge({1, 40}, whole, {1, 1.5}), Image(image.begin(), image.end() - 1)) ==
        run(Resampling::enlarge({1, 40}, whole), Image(image.begin(), image.end() - 1)));
}

TEST(sizes_follow_their_rules) {
  CHECK_EQUAL(teravox::enlarged_size(10, 1.1), 11);  // 11.000000000000002 in double
  CHECK_EQUAL(teravox::enlarged_size(5, 1.5), 8);
  CHECK_EQUAL(teravox::enlarged_size(1, 1.2), 2);
  CHECK_EQUAL(teravox::enlarged_size(512, 2), 1024);
  CHECK_EQUAL(teravox::reduced_size(1023, 2), 512);  // 511.5 and 510.5: halves to even
  CHECK_EQUAL(teravox::reduced_size(1021, 2), 510);
  CHECK_EQUAL(teravox::reduced_size(128, 1.5), 85);
  CHECK_EQUAL(teravox::reduced_size(1, 4), 1);
}

TEST(one_plan_serves_several_threads_and_gives_the_same_bytes) {
  const Shape2 large = {120, 90}, small = {60, 45};
  const Resampling plan = Resampling::reduce(of_kind(TVX_REDUCE_KERNEL), large, small);
  const Image image = noise(large, 5), expected = run(plan, image);
  std::vector<std::thread> threads;
  std::vector<int> same(4, 0);
  for (size_t t = 0; t < same.size(); ++t) {
    threads.emplace_back([&, t] {
      std::vector<float> scratch(7, 1e30f);  // any content and size
      Image result(expected.size());
      for (int i = 0; i < 50; ++i) {
        plan.run(image.data(), result.data(), &scratch);
        same[t] += result == expected;
      }
    });
  }
  for (auto &thread : threads) thread.join();
  for (int count : same) CHECK_EQUAL(count, 50);
}

TEST(wrong_shapes_scales_and_kernels_are_refused_by_name) {
  REFUSED(TVX_BAD_SHAPE, "60x40", Resampling::enlarge({60, 40}, {80, 39}));
  REFUSED(TVX_BAD_SHAPE, "0x4", Resampling::enlarge({0, 4}, {8, 8}));
  REFUSED(TVX_BAD_SHAPE, "5x5", Resampling::reduce({}, {4, 4}, {5, 5}));
  REFUSED(TVX_BAD_ARGUMENT, "scale of y", Resampling::enlarge({4, 4}, {8, 8}, {.5, 2}));
  REFUSED(TVX_BAD_ARGUMENT, "scale of x",
          Resampling::reduce({}, {8, 8}, {4, 4}, {2, std::numeric_limits<double>::quiet_NaN()}));
  REFUSED(TVX_BAD_ARGUMENT, "scale of x", Resampling::reduce({}, {8, 800}, {4, 2}));

  double weights[9] = {0, 0, 0, 0, 1, 0, 0, 0, 0};
  const auto reduction = [&](int32_t kind, int32_t y, int32_t x) { return tvx_reduction{kind, {y, x}, weights}; };
  CHECK_EQUAL(teravox::make_reduction(reduction(TVX_REDUCE_KERNEL, 3, 3)).kernel.size(), 9u);
  REFUSED(TVX_BAD_ARGUMENT, "kind is 7", teravox::make_reduction(reduction(7, 3, 3)));
  REFUSED(TVX_BAD_ARGUMENT, "2x3", teravox::make_reduction(reduction(TVX_REDUCE_KERNEL, 2, 3)));
  REFUSED(TVX_BAD_ARGUMENT, "131", teravox::make_reduction(reduction(TVX_REDUCE_KERNEL, 1, 131)));
  weights[0] = .5;
  REFUSED(TVX_BAD_ARGUMENT, "1.5", teravox::make_reduction(reduction(TVX_REDUCE_KERNEL, 3, 3)));
  weights[0] = std::numeric_limits<double>::quiet_NaN();
  REFUSED(TVX_BAD_ARGUMENT, "sum", teravox::make_reduction(reduction(TVX_REDUCE_KERNEL, 3, 3)));

  float pixels[16] = {};
  const int64_t four[2] = {4, 4}, two[2] = {2, 2};
  const tvx_reduction bicubic = {TVX_REDUCE_BICUBIC, {0, 0}, nullptr};
  CHECK_EQUAL(tvx_resample_reduce(&bicubic, pixels, four, two, nullptr), TVX_BAD_ARGUMENT);
  CHECK_EQUAL(tvx_resample_reduce(nullptr, pixels, four, two, pixels), TVX_BAD_ARGUMENT);
  CHECK_EQUAL(tvx_resample_enlarge(pixels, four, two, pixels), TVX_BAD_SHAPE);
  const tvx_reduction missing = {TVX_REDUCE_KERNEL, {3, 3}, nullptr};
  CHECK_EQUAL(tvx_resample_reduce(&missing, pixels, four, two, pixels), TVX_BAD_ARGUMENT);
  CHECK(std::strstr(tvx_last_error(), "kernel") != nullptr);
}

CHECK_MAIN
