// SPDX-License-Identifier: Apache-2.0
//
// Augmentation of training patches. Plain C++ on plain buffers: nothing here knows of tensors.
#ifndef TERAVOX_AUGMENT_H
#define TERAVOX_AUGMENT_H

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "teravox.h"

namespace tvx {

using Index3 = std::array<int64_t, 3>;

// "" when the options can be used, or one sentence that names the field.
std::string check_augment_options(const tvx_augment_options& options);

// "" when a patch of this shape can be cut with these options, or one sentence.
std::string check_augment_patch(const tvx_augment_options& options, const Index3& patch);

// See tvx_augment_source_shape. Options and patch have been checked.
Index3 augment_source_shape(const tvx_augment_options& options, const Index3& patch);

// What one (seed, index) does. An augmentation that was not drawn has its neutral value.
struct AugmentDraw {
  std::array<bool, 3> flip{};
  std::array<double, 3> angle{};  // radians about z, y, x
  double scale = 1;
  bool elastic = false;
  double contrast = 1;
  double noise = 0;
  double blur = 0;
  double sharpen = 0;
};

AugmentDraw draw_augmentation(const tvx_augment_options& options, uint64_t seed, uint64_t index);

// Where the voxels of a patch come from, as positions in the source block in voxels.
class AugmentMap {
 public:
  AugmentMap(const tvx_augment_options& options, const AugmentDraw& draw, uint64_t seed, uint64_t index,
             const Index3& patch, const Index3& source);

  // False: the map is a translation with or without flips, and every position is a whole number.
  bool interpolates() const { return interpolates_; }

  // Source positions of the patch's row (z, y, 0..patch x - 1): positions[axis][x].
  void row(int64_t z, int64_t y, std::array<std::vector<float>, 3>* positions) const;

 private:
  // Cubic B-spline weights along one axis: voxel i reads the controls first[i] .. first[i] + 3.
  struct SplineAxis {
    std::vector<int32_t> first;
    std::vector<std::array<float, 4>> weights;
    int64_t controls = 0;
  };

  Index3 patch_;
  bool interpolates_;
  bool elastic_;
  double limit_[3] = {};                  // largest displacement per axis, in voxels
  double matrix_[3][3] = {};              // patch offset from its centre (voxels) -> source offset (voxels)
  double origin_[3] = {};                 // source position of the patch's voxel (0, 0, 0), undisplaced
  std::array<SplineAxis, 3> spline_;
  std::array<std::vector<float>, 3> control_;  // displacement in voxels per axis, shape (z, y, x) of controls
};

// See tvx_augment. All arguments have been checked; raw and labels may be null.
void augment(const tvx_augment_options& options, uint64_t seed, uint64_t index, const tvx_block& block,
             const Index3& patch, float* raw, uint8_t* labels);

// In place, mirrored about the edge voxels. sigma per axis in voxels; an axis of 0 is left alone.
void gaussian_blur(float* image, const Index3& shape, const std::array<double, 3>& sigma);

}  // namespace tvx

#endif
