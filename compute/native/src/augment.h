// SPDX-License-Identifier: Apache-2.0
//
// Augmentation of training patches. Plain C++ on plain buffers: nothing here knows of tensors.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "teravox.h"

namespace teravox {

using Triple = std::array<int64_t, 3>;

// The defaults that teravox.h promises.
tvx_augment_options default_augment_options();

// Throws TVX_BAD_ARGUMENT with one sentence that names the field.
void validate(const tvx_augment_options &options);

// Throws TVX_BAD_ARGUMENT when no patch of this shape can be cut with these (valid) options.
void validate_patch(const tvx_augment_options &options, const Triple &patch);

// Throws TVX_BAD_ARGUMENT or TVX_BAD_SHAPE unless the block is the source that these (valid) options and patch ask
// for.
void validate_block(const tvx_augment_options &options, const Triple &patch, const tvx_block &block,
                    bool labels_needed);

// See tvx_augment_source_shape. Options and patch are valid.
Triple augment_source_shape(const tvx_augment_options &options, const Triple &patch);

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

AugmentDraw draw_augmentation(const tvx_augment_options &options, uint64_t seed, uint64_t index);

// Where the voxels of a patch come from, as positions in the source block in voxels.
class AugmentMap {
 public:
  AugmentMap(const tvx_augment_options &options, const AugmentDraw &draw, uint64_t seed, uint64_t index,
             const Triple &patch, const Triple &source);

  // False: the map is a translation with or without flips, and every position is a whole number.
  bool interpolates() const { return interpolates_; }

  // Source positions of the patch's row (z, y, 0..patch x - 1): positions[axis][x].
  void row(int64_t z, int64_t y, std::array<std::vector<float>, 3> *positions) const;

 private:
  // Cubic B-spline weights along one axis: voxel i reads the controls first[i] .. first[i] + 3.
  struct SplineAxis {
    std::vector<int32_t> first;
    std::vector<std::array<float, 4>> weights;
    int64_t controls = 0;
  };

  Triple patch_;
  bool interpolates_;
  bool elastic_;
  double limit_[3] = {};      // largest displacement per axis, in voxels
  double matrix_[3][3] = {};  // patch offset from its centre (voxels) -> source offset (voxels)
  double origin_[3] = {};     // source position of the patch's voxel (0, 0, 0), undisplaced
  std::array<SplineAxis, 3> spline_;
  std::array<std::vector<float>, 3> control_;  // displacement in voxels per axis, shape (z, y, x) of controls
};

// See tvx_augment. All arguments are valid; raw and labels may be null.
void augment(const tvx_augment_options &options, uint64_t seed, uint64_t index, const tvx_block &block,
             const Triple &patch, float *raw, uint8_t *labels);

// In place, mirrored about the edge voxels. sigma per axis in voxels; an axis of 0 is left alone.
void gaussian_blur(float *image, const Triple &shape, const std::array<double, 3> &sigma);

}  // namespace teravox
