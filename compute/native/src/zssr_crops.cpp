// SPDX-License-Identifier: Apache-2.0
#include "zssr_crops.h"

#include <algorithm>
#include <cmath>

#include "random.h"

namespace teravox {
namespace {

constexpr uint64_t kPurpose = 0x2a55c407;
constexpr double kAsIs = .05, kExact = .45;
constexpr double kLeastScale = .5, kAnisotropy = .25, kShear = .1, kMost = 2;  // kMost: standard deviations drawn
constexpr double kLeastInside = .5;
constexpr double kPi = 3.14159265358979323846;
// An interpolated pixel reads one pixel before its place and two after.
constexpr double kMargin = 1;

using Matrix = std::array<std::array<double, 2>, 2>;

Matrix product(const Matrix &a, const Matrix &b) {
  Matrix c{};
  for (size_t i = 0; i < 2; ++i) {
    for (size_t j = 0; j < 2; ++j) c[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j];
  }
  return c;
}

Matrix inverse(const Matrix &m) {
  const double d = m[0][0] * m[1][1] - m[0][1] * m[1][0];
  return {{{m[1][1] / d, -m[0][1] / d}, {-m[1][0] / d, m[0][0] / d}}};
}

Matrix rotation(double angle) {
  return {{{std::cos(angle), -std::sin(angle)}, {std::sin(angle), std::cos(angle)}}};
}

// A place for the crop's centre along an axis: anywhere it fits, or anywhere that shows all of a shorter father.
double place(double half, double low, double high, double uniform) {
  const double a = low + half, b = high - half;
  return std::min(a, b) + uniform * std::abs(b - a);
}

std::array<double, 2> half_extents(const Matrix &m, int64_t y, int64_t x) {
  const double v = .5 * static_cast<double>(y - 1), u = .5 * static_cast<double>(x - 1);
  return {std::abs(m[0][0]) * v + std::abs(m[0][1]) * u, std::abs(m[1][0]) * v + std::abs(m[1][1]) * u};
}

// Share of the crop's pixels whose place is inside, on a grid fine enough to choose by.
double share_inside(const CropDraw &draw, int64_t father_y, int64_t father_x, int64_t crop_y, int64_t crop_x) {
  constexpr int kGrid = 16;
  int inside = 0;
  for (int i = 0; i < kGrid; ++i) {
    for (int j = 0; j < kGrid; ++j) {
      const double v = ((i + .5) / kGrid - .5) * static_cast<double>(crop_y);
      const double u = ((j + .5) / kGrid - .5) * static_cast<double>(crop_x);
      const double y = draw.centre[0] + draw.turn[0][0] * v + draw.turn[0][1] * u;
      const double x = draw.centre[1] + draw.turn[1][0] * v + draw.turn[1][1] * u;
      inside += y >= kMargin && y <= static_cast<double>(father_y - 1) - kMargin && x >= kMargin &&
                x <= static_cast<double>(father_x - 1) - kMargin;
    }
  }
  return inside / static_cast<double>(kGrid * kGrid);
}

CropDraw exact_draw(const RandomStream &random, bool as_is, int64_t father_y, int64_t father_x, int64_t crop_y,
                    int64_t crop_x) {
  CropDraw draw{true, {}, {{{1, 0}, {0, 1}}}};
  const bool standing = !as_is && (random.bits(10) & 1) != 0 && crop_x <= father_y && crop_y <= father_x;
  if (standing) draw.turn = {{{0, 1}, {1, 0}}};
  for (size_t axis = 0; !as_is && axis < 2; ++axis) {
    if ((random.bits(11 + axis) & 1) != 0) {
      for (double &number : draw.turn[axis]) number = -number;
    }
  }
  const int64_t rows = standing ? crop_x : crop_y, columns = standing ? crop_y : crop_x;
  // The first row and column are whole numbers, so every pixel falls on one.
  const double top = std::floor(random.uniform(13) * static_cast<double>(father_y - rows + 1));
  const double left = std::floor(random.uniform(14) * static_cast<double>(father_x - columns + 1));
  draw.centre = {top + .5 * static_cast<double>(rows - 1), left + .5 * static_cast<double>(columns - 1)};
  return draw;
}

int64_t mirrored(int64_t i, int64_t n) {
  while (i < 0 || i >= n) i = i < 0 ? -1 - i : 2 * n - 1 - i;
  return i;
}

std::array<float, 4> keys(double t) {
  // Weights of the pixels at -1, 0, 1, 2 for a place t in [0, 1) behind pixel 0.
  constexpr double a = -.5;
  auto near = [](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  auto far = [](double d) { return ((d - 5) * d + 8) * d * a - 4 * a; };
  return {static_cast<float>(far(1 + t)), static_cast<float>(near(t)), static_cast<float>(near(1 - t)),
          static_cast<float>(far(2 - t))};
}

}  // namespace

CropDraw draw_crop(uint64_t seed, uint64_t index, int64_t father_y, int64_t father_x, int64_t crop_y, int64_t crop_x) {
  const RandomStream random(seed, index, kPurpose);
  const double chosen = random.uniform(0);
  if (chosen >= kAsIs + kExact) {
    float anisotropy, unused, shear_y, shear_x;
    random.normal_pair(1, &anisotropy, &unused);
    random.normal_pair(2, &shear_y, &shear_x);
    auto drawn = [](float normal, double sigma) {
      return sigma * std::clamp(static_cast<double>(normal), -kMost, kMost);
    };
    const double scale = random.uniform(3, kLeastScale, 1), difference = drawn(anisotropy, kAnisotropy);
    const Matrix stretch = {{{scale * (1 - difference / 2), 0}, {0, scale * (1 + difference / 2)}}};
    const Matrix shear = {{{1, drawn(shear_y, kShear)}, {drawn(shear_x, kShear), 1}}};
    const Matrix turn = rotation(random.uniform(4, 0, 2 * kPi));
    CropDraw draw{false, {}, inverse(product(turn, product(shear, stretch)))};
    const std::array<double, 2> half = half_extents(draw.turn, crop_y, crop_x);
    draw.centre = {place(half[0], kMargin, static_cast<double>(father_y - 1) - kMargin, random.uniform(5)),
                   place(half[1], kMargin, static_cast<double>(father_x - 1) - kMargin, random.uniform(6))};
    if (share_inside(draw, father_y, father_x, crop_y, crop_x) >= kLeastInside) return draw;
  }
  return exact_draw(random, chosen < kAsIs, father_y, father_x, crop_y, crop_x);
}

int64_t cut_crop(const Plane &father, const CropDraw &draw, Plane *crop, Plane *inside) {
  const double middle_y = .5 * static_cast<double>(crop->y - 1), middle_x = .5 * static_cast<double>(crop->x - 1);
  if (draw.exact) {
    for (int64_t i = 0; i < crop->y; ++i) {
      for (int64_t j = 0; j < crop->x; ++j) {
        const double v = static_cast<double>(i) - middle_y, u = static_cast<double>(j) - middle_x;
        const int64_t y = std::llround(draw.centre[0] + draw.turn[0][0] * v + draw.turn[0][1] * u);
        const int64_t x = std::llround(draw.centre[1] + draw.turn[1][0] * v + draw.turn[1][1] * u);
        crop->row(i)[j] = father.row(y)[x];
      }
    }
    std::fill(inside->pixels.begin(), inside->pixels.end(), 1.0f);
    return crop->y * crop->x;
  }
  int64_t count = 0;
  for (int64_t i = 0; i < crop->y; ++i) {
    for (int64_t j = 0; j < crop->x; ++j) {
      const double v = static_cast<double>(i) - middle_y, u = static_cast<double>(j) - middle_x;
      const double y = draw.centre[0] + draw.turn[0][0] * v + draw.turn[0][1] * u;
      const double x = draw.centre[1] + draw.turn[1][0] * v + draw.turn[1][1] * u;
      const int64_t first_y = static_cast<int64_t>(std::floor(y)) - 1,
                    first_x = static_cast<int64_t>(std::floor(x)) - 1;
      const std::array<float, 4> weight_y = keys(y - std::floor(y)), weight_x = keys(x - std::floor(x));
      const bool in = first_y >= 0 && first_y + 3 < father.y && first_x >= 0 && first_x + 3 < father.x;
      float sum = 0;
      for (int64_t k = 0; k < 4; ++k) {
        const float *from = father.row(in ? first_y + k : mirrored(first_y + k, father.y));
        float row = 0;
        for (int64_t l = 0; l < 4; ++l) {
          row += weight_x[static_cast<size_t>(l)] * from[in ? first_x + l : mirrored(first_x + l, father.x)];
        }
        sum += weight_y[static_cast<size_t>(k)] * row;
      }
      crop->row(i)[j] = sum;
      inside->row(i)[j] = in ? 1.0f : 0.0f;
      count += in;
    }
  }
  return count;
}

}  // namespace teravox
