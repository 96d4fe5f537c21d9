// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "augment.h"
#include "check.h"
#include "random.h"
#include "teravox.h"

using teravox::AugmentDraw;
using teravox::AugmentMap;
using teravox::Triple;

namespace {

tvx_augment_options nothing() {
  tvx_augment_options o;
  tvx_augment_defaults(&o);
  std::fill(o.flip_probability, o.flip_probability + 3, 0.0);
  o.rotation_probability = o.scaling_probability = o.elastic_probability = o.contrast_probability = 0;
  o.noise_probability = o.blur_probability = o.sharpen_probability = 0;
  return o;
}

int64_t count_of(const Triple &shape) {
  return shape[0] * shape[1] * shape[2];
}

Triple source_of(const tvx_augment_options &o, const Triple &patch) {
  Triple source{};
  CHECK_EQUAL(tvx_augment_source_shape(&o, patch.data(), source.data()), TVX_OK);
  return source;
}

struct Volume {
  Triple shape;
  std::vector<uint16_t> voxels;
  std::vector<uint8_t> labels;

  explicit Volume(const Triple &shape) : shape(shape), voxels(count_of(shape)), labels(count_of(shape)) {}

  template <typename Value>
  static Volume of(const Triple &shape, Value value) {
    Volume v(shape);
    size_t i = 0;
    for (int64_t z = 0; z < shape[0]; ++z) {
      for (int64_t y = 0; y < shape[1]; ++y) {
        for (int64_t x = 0; x < shape[2]; ++x, ++i) {
          v.voxels[i] = static_cast<uint16_t>(value(z, y, x));
          v.labels[i] = static_cast<uint8_t>(v.voxels[i]);
        }
      }
    }
    return v;
  }

  static Volume noise(const Triple &shape, uint64_t seed) {
    teravox::RandomStream stream(seed, 0, 0);
    uint64_t i = 0;
    return of(shape, [&](int64_t, int64_t, int64_t) { return stream.bits(i++) % 60000; });
  }

  tvx_block block(float mean = 0, float std = 1) const {
    return {voxels.data(), labels.data(), TVX_UINT16, {shape[0], shape[1], shape[2]}, mean, std};
  }
};

struct Patch {
  std::vector<float> raw;
  std::vector<uint8_t> labels;
};

Patch cut(const tvx_augment_options &o, uint64_t seed, uint64_t index, const tvx_block &block, const Triple &patch) {
  Patch p{std::vector<float>(count_of(patch)), std::vector<uint8_t>(count_of(patch))};
  CHECK_EQUAL(tvx_augment(&o, seed, index, &block, patch.data(), p.raw.data(), p.labels.data()), TVX_OK);
  return p;
}

double mean_of(const std::vector<float> &v) {
  double sum = 0;
  for (float x : v) sum += x;
  return sum / static_cast<double>(v.size());
}

double deviation_of(const std::vector<float> &v) {
  const double mean = mean_of(v);
  double sum = 0;
  for (float x : v) sum += (x - mean) * (x - mean);
  return std::sqrt(sum / static_cast<double>(v.size()));
}

bool near(double a, double b, double tolerance) {
  return std::abs(a - b) <= tolerance;
}

// Options anywhere in their ranges, for properties that hold for all of them.
tvx_augment_options any_options(uint64_t seed) {
  teravox::RandomStream r(seed, 1, 2);
  uint64_t i = 0;
  tvx_augment_options o = nothing();
  const auto sometimes = [&](double value) { return r.uniform(i++) < 0.6 ? value : 0.0; };
  for (int k = 0; k < 3; ++k) {
    o.spacing[k] = r.uniform(i++, 0.5, 8);
    o.flip_probability[k] = sometimes(0.5);
    const double largest = r.uniform(i++) < 0.3 ? 180 : r.uniform(i++, 1, 180);
    o.rotation_degrees[k] = sometimes(largest);
  }
  o.rotation_probability = sometimes(0.9);
  o.scaling_probability = sometimes(0.9);
  o.scaling_range[0] = r.uniform(i++, 0.3, 2);
  o.scaling_range[1] = r.uniform(i++, o.scaling_range[0], 3);
  o.elastic_probability = sometimes(0.9);
  o.elastic_amplitude = r.uniform(i++, 0, 6);
  o.elastic_spacing = r.uniform(i++, 4, 40);
  return o;
}

}  // namespace

TEST(nothing_drawn_copies_the_middle) {
  const Triple patch = {4, 6, 10};
  tvx_augment_options o = nothing();
  CHECK(source_of(o, patch) == patch);
  // Options that could move voxels but are not drawn: the patch is the middle of the larger source.
  o.rotation_probability = o.scaling_probability = o.elastic_probability = 1e-300;
  const Triple source = source_of(o, patch);
  CHECK(source[0] > patch[0] && source[1] > patch[1] && source[2] > patch[2]);
  const Volume v = Volume::noise(source, 5);
  const Patch p = cut(o, 1, 2, v.block(100, 7), patch);
  size_t i = 0;
  bool same = true;
  for (int64_t z = 0; z < patch[0]; ++z) {
    for (int64_t y = 0; y < patch[1]; ++y) {
      for (int64_t x = 0; x < patch[2]; ++x, ++i) {
        const int64_t at = ((z + (source[0] - patch[0]) / 2) * source[1] + y + (source[1] - patch[1]) / 2) * source[2] +
                           x + (source[2] - patch[2]) / 2;
        same = same && p.raw[i] == (static_cast<float>(v.voxels[at]) - 100) / 7 && p.labels[i] == v.labels[at];
      }
    }
  }
  CHECK(same);
}

TEST(flips_are_exact_for_every_combination_and_type) {
  const Triple patch = {3, 4, 5};
  const Volume v = Volume::noise(patch, 6);
  std::vector<uint8_t> bytes(v.labels);
  for (int combination = 0; combination < 8; ++combination) {
    tvx_augment_options o = nothing();
    for (int k = 0; k < 3; ++k) o.flip_probability[k] = combination >> k & 1;
    CHECK(source_of(o, patch) == patch);
    const Patch wide = cut(o, 3, 4, v.block(10, 3), patch);
    tvx_block narrow_block = v.block(10, 3);
    narrow_block.voxels = bytes.data();
    narrow_block.voxel_type = TVX_UINT8;
    const Patch narrow = cut(o, 3, 4, narrow_block, patch);
    size_t i = 0;
    bool same = true;
    for (int64_t z = 0; z < patch[0]; ++z) {
      for (int64_t y = 0; y < patch[1]; ++y) {
        for (int64_t x = 0; x < patch[2]; ++x, ++i) {
          const int64_t from[3] = {combination & 1 ? patch[0] - 1 - z : z, combination & 2 ? patch[1] - 1 - y : y,
                                   combination & 4 ? patch[2] - 1 - x : x};
          const int64_t at = (from[0] * patch[1] + from[1]) * patch[2] + from[2];
          same = same && wide.raw[i] == (static_cast<float>(v.voxels[at]) - 10) / 3 && wide.labels[i] == v.labels[at];
          same = same && narrow.raw[i] == (static_cast<float>(bytes[at]) - 10) / 3 && narrow.labels[i] == v.labels[at];
        }
      }
    }
    CHECK(same);
  }
}

// An image and labels that both hold a coordinate: interpolation keeps a linear ramp, so the image says where a voxel
// came from, and the label must be the nearest voxel to it.
TEST(labels_come_from_where_the_image_comes_from) {
  const Triple patch = {10, 16, 20};
  for (uint64_t seed = 0; seed < 24; ++seed) {
    tvx_augment_options o = any_options(seed);
    o.scaling_range[0] = std::max(o.scaling_range[0], 0.7);
    o.scaling_range[1] = std::max(o.scaling_range[1], 0.7);
    o.spacing[0] = 1.5, o.spacing[1] = 1, o.spacing[2] = 1;
    const Triple source = source_of(o, patch);
    if (*std::max_element(source.begin(), source.end()) > 255) continue;
    for (int axis = 0; axis < 3; ++axis) {
      const Volume v = Volume::of(source, [&](int64_t z, int64_t y, int64_t x) { return Triple{z, y, x}[axis]; });
      const Patch p = cut(o, 77, seed, v.block(), patch);
      double worst = 0;
      for (size_t i = 0; i < p.raw.size(); ++i) worst = std::max(worst, std::abs(p.raw[i] - double(p.labels[i])));
      CHECK(worst <= 0.501);
    }
  }
}

TEST(source_shape_bounds_every_sample) {
  int interpolating = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const tvx_augment_options o = any_options(seed);
    teravox::RandomStream r(seed, 3, 4);
    const Triple patch = {1 + int64_t(r.bits(0) % 12), 1 + int64_t(r.bits(1) % 20), 1 + int64_t(r.bits(2) % 24)};
    const Triple source = source_of(o, patch);
    for (int k = 0; k < 3; ++k) CHECK(source[k] >= patch[k] && (source[k] - patch[k]) % 2 == 0);
    std::array<std::vector<float>, 3> position;
    for (auto &p : position) p.resize(patch[2]);
    for (uint64_t index = 0; index < 6; ++index) {
      const AugmentDraw draw = teravox::draw_augmentation(o, seed, index);
      const AugmentMap map(o, draw, seed, index, patch, source);
      interpolating += map.interpolates();
      double outside = 0;
      for (int64_t z = 0; z < patch[0]; ++z) {
        for (int64_t y = 0; y < patch[1]; ++y) {
          map.row(z, y, &position);
          for (int k = 0; k < 3; ++k) {
            for (float p : position[k]) outside = std::max({outside, -double(p), double(p) - double(source[k] - 1)});
          }
        }
      }
      CHECK(outside < 1e-3);
    }
  }
  CHECK(interpolating > 1000);
}

TEST(source_shape_is_tight) {
  const Triple patch = {32, 64, 64};
  tvx_augment_options o = nothing();
  o.rotation_probability = 1;  // about z only, by default
  Triple source = source_of(o, patch);
  CHECK_EQUAL(source[0], 32);
  CHECK_EQUAL(source[1], 92);  // corners lie 31.5 sqrt(2) = 44.5 from the middle, so voxels up to 45.5 from it
  CHECK_EQUAL(source[2], 92);
  o.rotation_degrees[0] = 0;
  CHECK(source_of(o, patch) == patch);
  o = nothing();
  o.scaling_probability = 1;
  o.scaling_range[0] = 0.5;
  source = source_of(o, patch);
  CHECK_EQUAL(source[0], 32 + 2 * 16);
  CHECK_EQUAL(source[2], 64 + 2 * 32);
  o.scaling_range[0] = o.scaling_range[1] = 2;  // objects grow, so less is read
  CHECK(source_of(o, patch) == patch);
  o = nothing();
  o.elastic_probability = 1;
  o.spacing[0] = 9;
  source = source_of(o, patch);
  CHECK_EQUAL(source[0], 32 + 2 * 1);  // 3 sigma = 9 x voxels = 1 z voxel
  CHECK_EQUAL(source[2], 64 + 2 * 9);
}

TEST(rotation_and_scaling_keep_real_angles_and_lengths) {
  tvx_augment_options o = nothing();
  o.spacing[0] = 4, o.spacing[1] = 2, o.spacing[2] = 1;
  o.rotation_probability = 1;
  o.rotation_degrees[0] = 180, o.rotation_degrees[1] = 30, o.rotation_degrees[2] = 20;
  o.scaling_probability = 1;
  o.scaling_range[0] = 0.8, o.scaling_range[1] = 1.3;
  const Triple patch = {9, 9, 9};
  const Triple source = source_of(o, patch);
  double smallest = 10, largest = 0, widest = 0;
  for (uint64_t index = 0; index < 300; ++index) {
    const AugmentDraw draw = teravox::draw_augmentation(o, 1, index);
    const AugmentMap map(o, draw, 1, index, patch, source);
    smallest = std::min(smallest, draw.scale);
    largest = std::max(largest, draw.scale);
    widest = std::max(widest, std::abs(draw.angle[0]));
    CHECK(std::abs(draw.angle[1]) <= 30 * M_PI / 180 && std::abs(draw.angle[2]) <= 20 * M_PI / 180);
    std::array<std::vector<float>, 3> at[2];
    for (auto &rows : at) {
      for (auto &row : rows) row.resize(9);
    }
    map.row(0, 0, &at[0]);
    map.row(8, 4, &at[1]);
    // Two steps in the patch: along x, and along z and y together.
    double along[3], across[3], length_along = 0, length_across = 0, dot = 0;
    for (int k = 0; k < 3; ++k) {
      along[k] = (at[0][k][8] - at[0][k][0]) * o.spacing[k];
      across[k] = (at[1][k][0] - at[0][k][0]) * o.spacing[k];
      length_along += along[k] * along[k];
      length_across += across[k] * across[k];
      dot += along[k] * across[k];
    }
    CHECK(near(std::sqrt(length_along), 8 * 1 / draw.scale, 1e-3));
    CHECK(near(std::sqrt(length_across), std::hypot(8 * 4, 4 * 2) / draw.scale, 1e-3));
    CHECK(near(dot, 0, 1e-2));
  }
  CHECK(smallest < 0.81 && smallest >= 0.8 && largest > 1.29 && largest <= 1.3 && widest > 3);
}

TEST(scaling_above_one_enlarges_objects) {
  tvx_augment_options o = nothing();
  o.scaling_probability = 1;
  o.scaling_range[0] = o.scaling_range[1] = 2;
  const Triple patch = {21, 21, 21};
  const Volume v = Volume::of(patch, [](int64_t z, int64_t y, int64_t x) {
    return std::abs(z - 10) <= 2 && std::abs(y - 10) <= 2 && std::abs(x - 10) <= 2 ? 200 : 0;
  });
  const Patch p = cut(o, 0, 0, v.block(), patch);
  const auto box = std::count(p.labels.begin(), p.labels.end(), 200);
  CHECK(box >= 9 * 9 * 9 && box <= 10 * 10 * 10);  // 5 voxels across become 10
}

TEST(elastic_displacement_has_its_amplitude_and_is_smooth) {
  tvx_augment_options o = nothing();
  o.elastic_probability = 1;
  o.spacing[0] = 3;
  const Triple patch = {16, 48, 48};
  const Triple source = source_of(o, patch);
  double sum[3] = {}, squares[3] = {}, n = 0, largest[3] = {}, jump = 0;
  std::array<std::vector<float>, 3> position;
  for (auto &p : position) p.resize(patch[2]);
  for (uint64_t index = 0; index < 60; ++index) {
    const AugmentMap map(o, teravox::draw_augmentation(o, 9, index), 9, index, patch, source);
    for (int64_t z = 0; z < patch[0]; z += 3) {
      for (int64_t y = 0; y < patch[1]; y += 3) {
        map.row(z, y, &position);
        const double middle[3] = {double(z), double(y), 0};
        for (int64_t x = 0; x < patch[2]; ++x, ++n) {
          for (int k = 0; k < 3; ++k) {
            const double home = (k == 2 ? double(x) : middle[k]) + double(source[k] - patch[k]) / 2;
            const double d = (position[k][x] - home) * o.spacing[k];  // in x voxels
            sum[k] += d;
            squares[k] += d * d;
            largest[k] = std::max(largest[k], std::abs(d));
            if (x > 0 && k < 2) jump = std::max(jump, std::abs(double(position[k][x] - position[k][x - 1])));
          }
        }
      }
    }
  }
  for (int k = 0; k < 3; ++k) {
    CHECK(near(sum[k] / n, 0, 0.5));
    CHECK(near(std::sqrt(squares[k] / n), 3, 0.3));
    CHECK(largest[k] <= 9.001);
  }
  CHECK(jump < 1);  // nothing folds
}

TEST(contrast_stretches_about_the_patch_mean) {
  const Triple patch = {8, 16, 16};
  const Volume v = Volume::noise(patch, 8);
  const Patch plain = cut(nothing(), 0, 0, v.block(30000, 17000), patch);
  tvx_augment_options o = nothing();
  o.contrast_probability = 1;
  double smallest = 10, largest = 0;
  for (uint64_t index = 0; index < 100; ++index) {
    const Patch p = cut(o, 0, index, v.block(30000, 17000), patch);
    const double factor = deviation_of(p.raw) / deviation_of(plain.raw);
    CHECK(near(mean_of(p.raw), mean_of(plain.raw), 1e-5));
    CHECK(near(p.raw[7] - mean_of(p.raw), factor * (plain.raw[7] - mean_of(plain.raw)), 1e-4));
    CHECK(p.labels == plain.labels);
    smallest = std::min(smallest, factor);
    largest = std::max(largest, factor);
  }
  CHECK(smallest >= 0.699 && smallest < 0.73 && largest <= 1.401 && largest > 1.36);
}

TEST(noise_is_gaussian_white_and_as_strong_as_asked) {
  const Triple patch = {9, 33, 65};
  const Volume v = Volume::of(patch, [](int64_t, int64_t, int64_t) { return 50; });
  tvx_augment_options o = nothing();
  o.noise_probability = 1;
  o.noise_range[0] = o.noise_range[1] = 0.2;
  const Patch p = cut(o, 4, 5, v.block(50, 3), patch);
  const double n = static_cast<double>(p.raw.size());
  double fourth = 0, neighbour = 0;
  for (float x : p.raw) fourth += std::pow(x / 0.2, 4) / n;
  for (size_t i = 1; i < p.raw.size(); ++i) neighbour += p.raw[i] * p.raw[i - 1] / (0.04 * n);
  CHECK(near(mean_of(p.raw), 0, 0.2 * 4 / std::sqrt(n)));
  CHECK(near(deviation_of(p.raw), 0.2, 0.2 * 4 / std::sqrt(2 * n)));
  CHECK(near(fourth, 3, 4 * std::sqrt(96 / n)));
  CHECK(near(neighbour, 0, 4 / std::sqrt(n)));
  CHECK(p.labels == v.labels);
}

TEST(blur_spreads_a_point_by_sigma_in_real_space) {
  const Triple patch = {33, 33, 33};
  const Volume v =
      Volume::of(patch, [](int64_t z, int64_t y, int64_t x) { return z == 16 && y == 16 && x == 16 ? 10000 : 0; });
  tvx_augment_options o = nothing();
  o.spacing[0] = 2;
  o.blur_probability = 1;
  o.blur_range[0] = o.blur_range[1] = 3;
  const Patch p = cut(o, 0, 0, v.block(), patch);
  double total = 0, variance[3] = {};
  for (int64_t i = 0; i < count_of(patch); ++i) {
    const int64_t d[3] = {i / (33 * 33) - 16, i / 33 % 33 - 16, i % 33 - 16};
    total += p.raw[i];
    for (int k = 0; k < 3; ++k) variance[k] += p.raw[i] * double(d[k] * d[k]);
  }
  CHECK(near(total, 10000, 1));
  CHECK(near(variance[0] / total, 2.25, 0.1));
  CHECK(near(variance[1] / total, 9, 0.4));
  CHECK(near(variance[2] / total, 9, 0.4));
  const Volume flat = Volume::of(patch, [](int64_t, int64_t, int64_t) { return 77; });
  const Patch same = cut(o, 0, 0, flat.block(), patch);
  CHECK(near(*std::min_element(same.raw.begin(), same.raw.end()), 77, 1e-3));
  CHECK(near(*std::max_element(same.raw.begin(), same.raw.end()), 77, 1e-3));
}

TEST(blur_works_on_axes_shorter_than_its_kernel) {
  for (const Triple &patch : {Triple{1, 1, 7}, Triple{2, 3, 1}, Triple{1, 1, 1}}) {
    const Volume v = Volume::of(patch, [](int64_t, int64_t, int64_t) { return 9; });
    tvx_augment_options o = nothing();
    o.blur_probability = 1;
    o.blur_range[0] = o.blur_range[1] = 5;
    for (float x : cut(o, 0, 0, v.block(), patch).raw) CHECK(near(x, 9, 1e-4));
  }
}

TEST(sharpening_raises_edges_and_leaves_flat_regions) {
  const Triple patch = {5, 5, 40};
  const Volume v = Volume::of(patch, [](int64_t, int64_t, int64_t x) { return x < 20 ? 100 : 200; });
  tvx_augment_options o = nothing();
  o.sharpen_probability = 1;
  o.sharpen_range[0] = o.sharpen_range[1] = 1;
  const Patch p = cut(o, 0, 0, v.block(), patch);
  const float *row = p.raw.data() + (2 * 5 + 2) * 40;
  CHECK(near(row[0], 100, 1e-3) && near(row[39], 200, 1e-3));
  CHECK(row[19] < 80 && row[20] > 220);  // half of the 0.4 that a unit Gaussian weighs at its middle, and more
}

TEST(the_same_draw_gives_the_same_bytes_and_another_does_not) {
  tvx_augment_options o;
  tvx_augment_defaults(&o);
  const Triple patch = {8, 24, 24};
  const Volume v = Volume::noise(source_of(o, patch), 11);
  int different = 0;
  for (uint64_t index = 0; index < 40; ++index) {
    const Patch a = cut(o, 1, index, v.block(30000, 9000), patch);
    const Patch b = cut(o, 1, index, v.block(30000, 9000), patch);
    const Patch c = cut(o, 2, index, v.block(30000, 9000), patch);
    CHECK(a.raw == b.raw && a.labels == b.labels);
    different += a.raw != c.raw;
    // Asking for one of the two outputs changes nothing in it.
    std::vector<float> raw(a.raw.size());
    std::vector<uint8_t> labels(a.labels.size());
    const tvx_block block = v.block(30000, 9000);
    CHECK_EQUAL(tvx_augment(&o, 1, index, &block, patch.data(), raw.data(), nullptr), TVX_OK);
    CHECK_EQUAL(tvx_augment(&o, 1, index, &block, patch.data(), nullptr, labels.data()), TVX_OK);
    CHECK(raw == a.raw && labels == a.labels);
  }
  CHECK(different >= 36);
}

TEST(each_augmentation_comes_with_its_probability_and_by_itself) {
  tvx_augment_options o;
  tvx_augment_defaults(&o);
  o.flip_probability[0] = 0.1, o.flip_probability[1] = 0.5, o.flip_probability[2] = 0.9;
  const double expected[] = {0.1, 0.5, 0.9, 0.5, 0.3, 0.2, 0.3, 0.3, 0.2, 0.2};
  constexpr int kKinds = 10, kDraws = 8000;
  int seen[kKinds] = {}, together[kKinds][kKinds] = {};
  for (uint64_t index = 0; index < kDraws; ++index) {
    const AugmentDraw d = teravox::draw_augmentation(o, 21, index);
    const bool drawn[kKinds] = {d.flip[0], d.flip[1],       d.flip[2],   d.angle[0] != 0, d.scale != 1,
                                d.elastic, d.contrast != 1, d.noise > 0, d.blur > 0,      d.sharpen > 0};
    for (int a = 0; a < kKinds; ++a) {
      seen[a] += drawn[a];
      for (int b = 0; b < kKinds; ++b) together[a][b] += drawn[a] && drawn[b];
    }
  }
  for (int a = 0; a < kKinds; ++a) {
    const auto margin = [](double p) { return 4.5 * std::sqrt(p * (1 - p) * kDraws); };
    CHECK(near(seen[a], expected[a] * kDraws, margin(expected[a])));
    for (int b = 0; b < a; ++b) {
      CHECK(near(together[a][b], expected[a] * expected[b] * kDraws, margin(expected[a] * expected[b])));
    }
  }
}

TEST(switching_one_augmentation_off_leaves_the_draws_of_the_others) {
  tvx_augment_options o;
  tvx_augment_defaults(&o);
  tvx_augment_options without = o;
  without.rotation_probability = without.contrast_probability = 0;
  for (uint64_t index = 0; index < 50; ++index) {
    const AugmentDraw a = teravox::draw_augmentation(o, 3, index), b = teravox::draw_augmentation(without, 3, index);
    CHECK(a.flip == b.flip && a.scale == b.scale && a.elastic == b.elastic && a.noise == b.noise && a.blur == b.blur);
    CHECK(b.angle[0] == 0 && b.contrast == 1);
  }
}

TEST(wrong_options_and_blocks_are_refused_by_name) {
  const Triple patch = {4, 4, 4};
  Triple source{};
  const auto refused = [&](const tvx_augment_options &o, const char *word) {
    CHECK_EQUAL(tvx_augment_source_shape(&o, patch.data(), source.data()), TVX_BAD_ARGUMENT);
    CHECK(std::strstr(tvx_last_error(), word) != nullptr);
  };
  tvx_augment_options o = nothing();
  o.blur_probability = 1.5;
  refused(o, "blur_probability");
  o = nothing();
  o.spacing[1] = std::numeric_limits<double>::quiet_NaN();
  refused(o, "spacing of y");
  o = nothing();
  o.contrast_range[0] = 2;
  refused(o, "contrast_range");
  o = nothing();
  o.scaling_range[0] = 0;
  refused(o, "scaling_range");
  o = nothing();
  o.elastic_spacing = 0;
  refused(o, "elastic_spacing");

  o = nothing();
  const Volume v = Volume::noise({4, 4, 4}, 1);
  std::vector<float> raw(64);
  std::vector<uint8_t> labels(64);
  tvx_block block = v.block();
  block.shape[0] = 6;
  CHECK_EQUAL(tvx_augment(&o, 0, 0, &block, patch.data(), raw.data(), nullptr), TVX_BAD_SHAPE);
  CHECK(std::strstr(tvx_last_error(), "6x4x4") != nullptr);
  block = v.block(0, 0);
  CHECK_EQUAL(tvx_augment(&o, 0, 0, &block, patch.data(), raw.data(), nullptr), TVX_BAD_ARGUMENT);
  block = v.block();
  block.labels = nullptr;
  CHECK_EQUAL(tvx_augment(&o, 0, 0, &block, patch.data(), raw.data(), nullptr), TVX_OK);
  CHECK_EQUAL(tvx_augment(&o, 0, 0, &block, patch.data(), raw.data(), labels.data()), TVX_BAD_ARGUMENT);
  CHECK_EQUAL(tvx_augment(&o, 0, 0, nullptr, patch.data(), raw.data(), labels.data()), TVX_BAD_ARGUMENT);
  const Triple empty = {4, 0, 4};
  CHECK_EQUAL(tvx_augment_source_shape(&o, empty.data(), source.data()), TVX_BAD_ARGUMENT);
}

CHECK_MAIN
