// SPDX-License-Identifier: Apache-2.0
#include "augment.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>

#include "guard.h"
#include "mirror.h"
#include "random.h"

namespace teravox {
namespace {

// One stream each, so that switching one augmentation off leaves the draws of the others as they are.
enum Purpose : uint64_t {
  kFlip = 1,
  kRotation,
  kScaling,
  kElastic,
  kElasticControls,  // and the next two: one per axis
  kContrast = 8,
  kNoise,
  kNoiseVoxels,
  kBlur,
  kSharpen
};

constexpr double kPi = 3.14159265358979323846;
constexpr double kDisplacementLimit = 3;  // in standard deviations: what the source block has room for
constexpr double kSharpenSigma = 1;       // in x voxels: the scale whose detail is raised
constexpr double kMaxControls = 1 << 24;

bool in_range(double value, double low, double high) {
  return value >= low && value <= high;
}  // false for NaN

Error out_of_range(const std::string &field, double value, const std::string &range) {
  std::ostringstream text;
  text << "augmentation: " << field << " is " << value << ", but must be " << range;
  return Error(TVX_BAD_ARGUMENT, text.str());
}

std::string text_of(const Triple &shape) {
  return std::to_string(shape[0]) + "x" + std::to_string(shape[1]) + "x" + std::to_string(shape[2]);
}

double x_voxels_to(const tvx_augment_options &o, int axis) {
  return o.spacing[2] / o.spacing[axis];
}

bool rotates(const tvx_augment_options &o, int axis) {
  return o.rotation_probability > 0 && o.rotation_degrees[axis] > 0;
}

bool deforms(const tvx_augment_options &o) {
  return o.elastic_probability > 0 && o.elastic_amplitude > 0;
}

// The largest |first'| for a point in the box +-first, +-second turned by at most `angle` in their plane.
double turned_extent(double first, double second, double angle) {
  if (angle >= std::atan2(second, first)) return std::hypot(first, second);
  return first * std::cos(angle) + second * std::sin(angle);
}

// The axes (z, y, x) that a rotation about axis k mixes.
constexpr int kPlane[3][2] = {{1, 2}, {0, 2}, {0, 1}};

template <typename Voxel>
void copy_patch(const AugmentDraw &draw, const tvx_block &block, const Triple &patch, float *raw, uint8_t *labels) {
  const auto *voxels = static_cast<const Voxel *>(block.voxels);
  Triple start, step;
  const int64_t stride[3] = {block.shape[1] * block.shape[2], block.shape[2], 1};
  int64_t origin = 0;
  for (int k = 0; k < 3; ++k) {
    start[k] = (block.shape[k] - patch[k]) / 2 + (draw.flip[k] ? patch[k] - 1 : 0);
    step[k] = draw.flip[k] ? -stride[k] : stride[k];
    origin += start[k] * stride[k];
  }
  for (int64_t z = 0; z < patch[0]; ++z) {
    for (int64_t y = 0; y < patch[1]; ++y) {
      const int64_t from = origin + z * step[0] + y * step[1];
      const int64_t to = (z * patch[1] + y) * patch[2];
      if (raw) {
        for (int64_t x = 0; x < patch[2]; ++x) {
          raw[to + x] = (static_cast<float>(voxels[from + x * step[2]]) - block.mean) / block.std;
        }
      }
      if (labels) {
        for (int64_t x = 0; x < patch[2]; ++x) labels[to + x] = block.labels[from + x * step[2]];
      }
    }
  }
}

template <typename Voxel>
void sample_patch(const AugmentMap &map, const tvx_block &block, const Triple &patch, float *raw, uint8_t *labels) {
  const auto *voxels = static_cast<const Voxel *>(block.voxels);
  const int64_t stride[3] = {block.shape[1] * block.shape[2], block.shape[2], 1};
  int64_t next[3];
  float last[3];
  int64_t last_cell[3];
  for (int k = 0; k < 3; ++k) {
    next[k] = block.shape[k] > 1 ? stride[k] : 0;
    last[k] = static_cast<float>(block.shape[k] - 1);
    last_cell[k] = std::max<int64_t>(block.shape[k] - 2, 0);
  }
  std::array<std::vector<float>, 3> position;
  for (auto &p : position) p.resize(static_cast<size_t>(patch[2]));
  for (int64_t z = 0; z < patch[0]; ++z) {
    for (int64_t y = 0; y < patch[1]; ++y) {
      map.row(z, y, &position);
      const int64_t to = (z * patch[1] + y) * patch[2];
      for (int64_t x = 0; x < patch[2]; ++x) {
        // The source shape bounds the positions; this only keeps a rounding error of 1e-5 inside the block.
        float p[3];
        for (int k = 0; k < 3; ++k) p[k] = std::min(std::max(position[k][x], 0.0f), last[k]);
        if (raw) {
          int64_t cell[3];
          float f[3];
          for (int k = 0; k < 3; ++k) {
            cell[k] = std::min<int64_t>(static_cast<int64_t>(p[k]), last_cell[k]);
            f[k] = p[k] - static_cast<float>(cell[k]);
          }
          const Voxel *v = voxels + cell[0] * stride[0] + cell[1] * stride[1] + cell[2];
          const auto line = [&](const Voxel *at) {
            const float a = static_cast<float>(at[0]), b = static_cast<float>(at[next[2]]);
            return a + f[2] * (b - a);
          };
          const float v00 = line(v), v01 = line(v + next[1]);
          const float v10 = line(v + next[0]), v11 = line(v + next[0] + next[1]);
          const float v0 = v00 + f[1] * (v01 - v00), v1 = v10 + f[1] * (v11 - v10);
          raw[to + x] = (v0 + f[0] * (v1 - v0) - block.mean) / block.std;
        }
        if (labels) {
          const auto nearest = [&](int k) { return static_cast<int64_t>(p[k] + 0.5f); };
          labels[to + x] = block.labels[nearest(0) * stride[0] + nearest(1) * stride[1] + nearest(2)];
        }
      }
    }
  }
}

std::vector<float> gaussian_kernel(double sigma) {
  const int radius = std::max(1, static_cast<int>(std::ceil(3 * sigma)));
  std::vector<float> kernel(2 * radius + 1);
  double sum = 0;
  for (int i = -radius; i <= radius; ++i) sum += std::exp(-0.5 * i * i / (sigma * sigma));
  for (int i = -radius; i <= radius; ++i) {
    kernel[i + radius] = static_cast<float>(std::exp(-0.5 * i * i / (sigma * sigma)) / sum);
  }
  return kernel;
}

// Along z or y: whole rows of `inner` voxels are weighted and added, `count` of them `inner` apart.
void blur_rows(float *image, int64_t count, int64_t inner, const std::vector<float> &kernel,
               std::vector<float> *scratch) {
  const int64_t radius = static_cast<int64_t>(kernel.size() / 2);
  scratch->assign(image, image + count * inner);
  for (int64_t i = 0; i < count; ++i) {
    float *out = image + i * inner;
    std::fill(out, out + inner, 0.0f);
    for (int64_t k = -radius; k <= radius; ++k) {
      const float *in = scratch->data() + mirror_at_centre(i + k, count) * inner;
      const float w = kernel[k + radius];
      for (int64_t j = 0; j < inner; ++j) out[j] += w * in[j];
    }
  }
}

void blur_x(float *image, int64_t rows, int64_t width, const std::vector<float> &kernel, std::vector<float> *scratch) {
  const int64_t radius = static_cast<int64_t>(kernel.size() / 2);
  scratch->resize(width + 2 * radius);
  for (int64_t r = 0; r < rows; ++r) {
    float *out = image + r * width;
    float *padded = scratch->data();
    std::copy(out, out + width, padded + radius);
    for (int64_t i = 1; i <= radius; ++i) {
      padded[radius - i] = out[mirror_at_centre(-i, width)];
      padded[radius + width - 1 + i] = out[mirror_at_centre(width - 1 + i, width)];
    }
    std::fill(out, out + width, 0.0f);
    for (size_t k = 0; k < kernel.size(); ++k) {
      const float w = kernel[k];
      const float *in = padded + k;
      for (int64_t j = 0; j < width; ++j) out[j] += w * in[j];
    }
  }
}

std::array<double, 3> sigma_per_axis(const tvx_augment_options &o, double x_sigma) {
  return {x_sigma * x_voxels_to(o, 0), x_sigma * x_voxels_to(o, 1), x_sigma};
}

void change_contrast(float *raw, int64_t n, double factor) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += raw[i];
  const auto mean = static_cast<float>(sum / static_cast<double>(n));
  const auto f = static_cast<float>(factor);
  for (int64_t i = 0; i < n; ++i) raw[i] = mean + f * (raw[i] - mean);
}

void add_noise(float *raw, int64_t n, double sigma, const RandomStream &stream) {
  const auto s = static_cast<float>(sigma);
  float a, b;
  for (int64_t i = 0; i + 1 < n; i += 2) {
    stream.normal_pair(static_cast<uint64_t>(i / 2), &a, &b);
    raw[i] += s * a;
    raw[i + 1] += s * b;
  }
  if (n % 2) {
    stream.normal_pair(static_cast<uint64_t>(n / 2), &a, &b);
    raw[n - 1] += s * a;
  }
}

void sharpen(float *raw, const Triple &shape, const std::array<double, 3> &sigma, double strength) {
  const int64_t n = shape[0] * shape[1] * shape[2];
  std::vector<float> blurred(raw, raw + n);
  gaussian_blur(blurred.data(), shape, sigma);
  const auto s = static_cast<float>(strength);
  for (int64_t i = 0; i < n; ++i) raw[i] += s * (raw[i] - blurred[i]);
}

}  // namespace

tvx_augment_options default_augment_options() {
  tvx_augment_options o{};
  std::fill(o.spacing, o.spacing + 3, 1.0);
  std::fill(o.flip_probability, o.flip_probability + 3, 0.5);
  o.rotation_probability = 0.5;
  o.rotation_degrees[0] = 180;
  o.scaling_probability = 0.3;
  o.scaling_range[0] = 0.85;
  o.scaling_range[1] = 1.2;
  o.elastic_probability = 0.2;
  o.elastic_amplitude = 3;
  o.elastic_spacing = 24;
  o.contrast_probability = 0.3;
  o.contrast_range[0] = 0.7;
  o.contrast_range[1] = 1.4;
  o.noise_probability = 0.3;
  o.noise_range[1] = 0.2;
  o.blur_probability = 0.2;
  o.blur_range[0] = 0.3;
  o.blur_range[1] = 1.2;
  o.sharpen_probability = 0.2;
  o.sharpen_range[0] = 0.3;
  o.sharpen_range[1] = 1.5;
  return o;
}

void validate(const tvx_augment_options &o) {
  static const char *const kAxis[3] = {"z", "y", "x"};
  for (int k = 0; k < 3; ++k) {
    if (!(o.spacing[k] > 0) || !std::isfinite(o.spacing[k]) || !in_range(o.spacing[k] / o.spacing[2], 0.01, 100)) {
      throw out_of_range(std::string("spacing of ") + kAxis[k], o.spacing[k],
                         "above 0 and within a factor of 100 of the x spacing");
    }
    if (!in_range(o.rotation_degrees[k], 0, 180)) {
      throw out_of_range(std::string("rotation_degrees about ") + kAxis[k], o.rotation_degrees[k], "0 to 180");
    }
  }
  const struct {
    const char *name;
    double value;
  } probabilities[] = {
      {"flip_probability of z", o.flip_probability[0]}, {"flip_probability of y", o.flip_probability[1]},
      {"flip_probability of x", o.flip_probability[2]}, {"rotation_probability", o.rotation_probability},
      {"scaling_probability", o.scaling_probability},   {"elastic_probability", o.elastic_probability},
      {"contrast_probability", o.contrast_probability}, {"noise_probability", o.noise_probability},
      {"blur_probability", o.blur_probability},         {"sharpen_probability", o.sharpen_probability}};
  for (const auto &p : probabilities) {
    if (!in_range(p.value, 0, 1)) throw out_of_range(p.name, p.value, "0 to 1");
  }
  const struct {
    const char *name;
    const double *range;
    double low, high;
    const char *text;
  } ranges[] = {{"scaling_range", o.scaling_range, 0.25, 4, "0.25 to 4"},
                {"contrast_range", o.contrast_range, 0, 100, "0 to 100"},
                {"noise_range", o.noise_range, 0, 100, "0 to 100"},
                {"blur_range", o.blur_range, 0, 20, "0 to 20"},
                {"sharpen_range", o.sharpen_range, 0, 100, "0 to 100"}};
  for (const auto &r : ranges) {
    for (int i = 0; i < 2; ++i) {
      if (!in_range(r.range[i], r.low, r.high)) throw out_of_range(r.name, r.range[i], r.text);
    }
    if (r.range[0] > r.range[1]) throw out_of_range(r.name, r.range[0], "given as low, high");
  }
  if (!in_range(o.elastic_amplitude, 0, 64)) throw out_of_range("elastic_amplitude", o.elastic_amplitude, "0 to 64");
  if (!in_range(o.elastic_spacing, 4, 4096)) throw out_of_range("elastic_spacing", o.elastic_spacing, "4 to 4096");
}

void validate_patch(const tvx_augment_options &o, const Triple &patch) {
  double controls = 1;
  for (int k = 0; k < 3; ++k) {
    if (patch[k] < 1 || patch[k] > 4096) {
      throw Error(TVX_BAD_ARGUMENT, "the patch is " + text_of(patch) + ", but must have 1 to 4096 voxels per axis");
    }
    controls *= static_cast<double>(patch[k]) / (o.elastic_spacing * x_voxels_to(o, k)) + 4;
  }
  if (deforms(o) && controls > kMaxControls) {
    throw Error(TVX_BAD_ARGUMENT, "augmentation: elastic_spacing is too fine for this patch; raise it");
  }
}

void validate_block(const tvx_augment_options &options, const Triple &patch, const tvx_block &block,
                    bool labels_needed) {
  require(block.voxels, "the block's voxels");
  if (labels_needed) require(block.labels, "the block's labels");
  if (block.voxel_type != TVX_UINT8 && block.voxel_type != TVX_UINT16) {
    throw Error(TVX_BAD_ARGUMENT,
                "the block's voxel_type is " + std::to_string(block.voxel_type) + ", but must be 0 or 1");
  }
  if (!std::isfinite(block.mean) || !std::isfinite(block.std) || block.std <= 0) {
    throw Error(TVX_BAD_ARGUMENT, "the block's mean and std must be finite, and std above 0");
  }
  const Triple shape = {block.shape[0], block.shape[1], block.shape[2]};
  const Triple source = augment_source_shape(options, patch);
  if (shape != source) {
    throw Error(TVX_BAD_SHAPE,
                "the block is " + text_of(shape) + ", but a patch of " + text_of(patch) + " needs " + text_of(source));
  }
}

Triple augment_source_shape(const tvx_augment_options &o, const Triple &patch) {
  // The map applied to the patch's box: displacement, scale, then the turns about z, y and x.
  double half[3];
  for (int k = 0; k < 3; ++k) {
    half[k] = 0.5 * static_cast<double>(patch[k] - 1) * o.spacing[k];
    if (deforms(o)) half[k] += kDisplacementLimit * o.elastic_amplitude * o.spacing[2];
    // Reading 1 / factor times further makes objects `factor` times as large.
    if (o.scaling_probability > 0) half[k] *= std::max(1.0, 1 / o.scaling_range[0]);
  }
  const double radius = std::sqrt(half[0] * half[0] + half[1] * half[1] + half[2] * half[2]);
  for (int about = 0; about < 3; ++about) {
    if (!rotates(o, about)) continue;
    const double angle = o.rotation_degrees[about] * kPi / 180;
    const int a = kPlane[about][0], b = kPlane[about][1];
    const double first = turned_extent(half[a], half[b], angle), second = turned_extent(half[b], half[a], angle);
    half[a] = std::min(first, radius);
    half[b] = std::min(second, radius);
  }
  Triple source;
  for (int k = 0; k < 3; ++k) {
    const double margin = half[k] / o.spacing[k] - 0.5 * static_cast<double>(patch[k] - 1);
    source[k] = patch[k] + 2 * static_cast<int64_t>(std::max(0.0, std::ceil(margin - 1e-9)));
  }
  return source;
}

AugmentDraw draw_augmentation(const tvx_augment_options &o, uint64_t seed, uint64_t index) {
  AugmentDraw draw;
  const RandomStream flip(seed, index, kFlip);
  for (int k = 0; k < 3; ++k) draw.flip[k] = flip.uniform(k) < o.flip_probability[k];
  const RandomStream rotation(seed, index, kRotation);
  if (rotation.uniform(0) < o.rotation_probability) {
    for (int k = 0; k < 3; ++k) draw.angle[k] = rotation.uniform(k + 1, -1, 1) * o.rotation_degrees[k] * kPi / 180;
  }
  const auto value = [&](Purpose purpose, double probability, const double range[2], double neutral) {
    const RandomStream stream(seed, index, purpose);
    return stream.uniform(0) < probability ? stream.uniform(1, range[0], range[1]) : neutral;
  };
  draw.scale = value(kScaling, o.scaling_probability, o.scaling_range, 1);
  draw.elastic = o.elastic_amplitude > 0 && RandomStream(seed, index, kElastic).uniform(0) < o.elastic_probability;
  draw.contrast = value(kContrast, o.contrast_probability, o.contrast_range, 1);
  draw.noise = value(kNoise, o.noise_probability, o.noise_range, 0);
  draw.blur = value(kBlur, o.blur_probability, o.blur_range, 0);
  draw.sharpen = value(kSharpen, o.sharpen_probability, o.sharpen_range, 0);
  return draw;
}

AugmentMap::AugmentMap(const tvx_augment_options &o, const AugmentDraw &draw, uint64_t seed, uint64_t index,
                       const Triple &patch, const Triple &source)
    : patch_(patch), elastic_(draw.elastic) {
  bool turned = false;
  double m[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  for (int about = 0; about < 3; ++about) {
    if (draw.angle[about] == 0) continue;
    turned = true;
    const double c = std::cos(draw.angle[about]), s = std::sin(draw.angle[about]);
    double *a = m[kPlane[about][0]];
    double *b = m[kPlane[about][1]];
    for (int j = 0; j < 3; ++j) {
      const double p = a[j], q = b[j];
      a[j] = c * p - s * q;
      b[j] = s * p + c * q;
    }
  }
  interpolates_ = turned || draw.scale != 1 || elastic_;
  for (int i = 0; i < 3; ++i) {
    origin_[i] = 0.5 * static_cast<double>(source[i] - 1);
    for (int j = 0; j < 3; ++j) {
      matrix_[i][j] = (draw.flip[i] ? -1 : 1) * m[i][j] / draw.scale * o.spacing[j] / o.spacing[i];
      origin_[i] -= matrix_[i][j] * 0.5 * static_cast<double>(patch[j] - 1);
    }
  }
  if (!elastic_) return;
  int64_t controls = 1;
  for (int k = 0; k < 3; ++k) {
    const double step = o.elastic_spacing * x_voxels_to(o, k);
    SplineAxis &axis = spline_[k];
    for (int64_t i = 0; i < patch[k]; ++i) {
      const double t = static_cast<double>(i) / step, f = t - std::floor(t), g = 1 - f;
      axis.first.push_back(static_cast<int32_t>(t));
      axis.weights.push_back(
          {static_cast<float>(g * g * g / 6), static_cast<float>((4 - 6 * f * f + 3 * f * f * f) / 6),
           static_cast<float>((4 - 6 * g * g + 3 * g * g * g) / 6), static_cast<float>(f * f * f / 6)});
    }
    axis.controls = axis.first.back() + 4;
    controls *= axis.controls;
  }
  // Interpolation averages independent controls: the mean square of cubic B-spline weights is 151/315 per axis,
  // so controls are drawn that much wider for the displacement itself to have the asked deviation.
  const double widen = std::pow(315.0 / 151.0, 1.5);
  for (int k = 0; k < 3; ++k) {
    const double deviation = o.elastic_amplitude * x_voxels_to(o, k);
    limit_[k] = kDisplacementLimit * deviation;
    const RandomStream stream(seed, index, static_cast<uint64_t>(kElasticControls) + static_cast<uint64_t>(k));
    control_[k].resize(static_cast<size_t>(controls));
    for (int64_t i = 0; i < controls; i += 2) {
      float pair[2];
      stream.normal_pair(static_cast<uint64_t>(i / 2), &pair[0], &pair[1]);
      for (int64_t j = i; j < std::min(i + 2, controls); ++j) {
        control_[k][j] = static_cast<float>(widen * deviation * pair[j - i]);
      }
    }
  }
}

void AugmentMap::row(int64_t z, int64_t y, std::array<std::vector<float>, 3> *positions) const {
  const int64_t width = patch_[2];
  const double dz = static_cast<double>(z), dy = static_cast<double>(y);
  if (!elastic_) {
    for (int k = 0; k < 3; ++k) {
      const auto base = static_cast<float>(origin_[k] + matrix_[k][0] * dz + matrix_[k][1] * dy);
      const auto step = static_cast<float>(matrix_[k][2]);
      float *out = (*positions)[k].data();
      for (int64_t x = 0; x < width; ++x) out[x] = base + step * static_cast<float>(x);
    }
    return;
  }
  // The spline is separable: along a row only the x weights change.
  const int64_t nx = spline_[2].controls, ny = spline_[1].controls;
  std::vector<float> line(static_cast<size_t>(3 * nx), 0.0f);
  for (int a = 0; a < 4; ++a) {
    for (int b = 0; b < 4; ++b) {
      const float w = spline_[0].weights[z][a] * spline_[1].weights[y][b];
      const int64_t from = ((spline_[0].first[z] + a) * ny + spline_[1].first[y] + b) * nx;
      for (int k = 0; k < 3; ++k) {
        for (int64_t i = 0; i < nx; ++i) line[k * nx + i] += w * control_[k][from + i];
      }
    }
  }
  float base[3], m[3][3], limit[3];
  for (int i = 0; i < 3; ++i) {
    base[i] = static_cast<float>(origin_[i] + matrix_[i][0] * dz + matrix_[i][1] * dy);
    limit[i] = static_cast<float>(limit_[i]);
    for (int j = 0; j < 3; ++j) m[i][j] = static_cast<float>(matrix_[i][j]);
  }
  for (int64_t x = 0; x < width; ++x) {
    const std::array<float, 4> &w = spline_[2].weights[x];
    float d[3];
    for (int k = 0; k < 3; ++k) {
      const float *c = line.data() + k * nx + spline_[2].first[x];
      d[k] = w[0] * c[0] + w[1] * c[1] + w[2] * c[2] + w[3] * c[3];
      d[k] = std::min(std::max(d[k], -limit[k]), limit[k]);
    }
    d[2] += static_cast<float>(x);
    for (int i = 0; i < 3; ++i) (*positions)[i][x] = base[i] + m[i][0] * d[0] + m[i][1] * d[1] + m[i][2] * d[2];
  }
}

void augment(const tvx_augment_options &options, uint64_t seed, uint64_t index, const tvx_block &block,
             const Triple &patch, float *raw, uint8_t *labels) {
  const AugmentDraw draw = draw_augmentation(options, seed, index);
  const AugmentMap map(options, draw, seed, index, patch, {block.shape[0], block.shape[1], block.shape[2]});
  const bool wide = block.voxel_type == TVX_UINT16;
  if (map.interpolates()) {
    (wide ? sample_patch<uint16_t> : sample_patch<uint8_t>)(map, block, patch, raw, labels);
  } else {
    (wide ? copy_patch<uint16_t> : copy_patch<uint8_t>)(draw, block, patch, raw, labels);
  }
  if (!raw) return;
  const int64_t n = patch[0] * patch[1] * patch[2];
  if (draw.contrast != 1) change_contrast(raw, n, draw.contrast);
  if (draw.noise > 0) add_noise(raw, n, draw.noise, RandomStream(seed, index, kNoiseVoxels));
  if (draw.blur > 0) gaussian_blur(raw, patch, sigma_per_axis(options, draw.blur));
  if (draw.sharpen > 0) sharpen(raw, patch, sigma_per_axis(options, kSharpenSigma), draw.sharpen);
}

void gaussian_blur(float *image, const Triple &shape, const std::array<double, 3> &sigma) {
  std::vector<float> scratch;
  const int64_t plane = shape[1] * shape[2];
  // Below a tenth of a voxel the kernel's neighbours weigh less than 2e-22: an identity.
  constexpr double kNothing = 0.1;
  if (sigma[0] > kNothing) blur_rows(image, shape[0], plane, gaussian_kernel(sigma[0]), &scratch);
  if (sigma[1] > kNothing) {
    const std::vector<float> kernel = gaussian_kernel(sigma[1]);
    for (int64_t z = 0; z < shape[0]; ++z) blur_rows(image + z * plane, shape[1], shape[2], kernel, &scratch);
  }
  if (sigma[2] > kNothing) blur_x(image, shape[0] * shape[1], shape[2], gaussian_kernel(sigma[2]), &scratch);
}

}  // namespace teravox
