// SPDX-License-Identifier: Apache-2.0
//
// ZSSR's augmentation: which part of a father image a training step sees, and how it is turned.
#pragma once

#include <array>
#include <cstdint>

#include "plane.h"

namespace teravox {

// The crop's pixel p shows the father's place centre + turn * (p - middle of the crop), both (y, x).
struct CropDraw {
  bool exact;  // pixels land on pixels: nothing is interpolated
  std::array<double, 2> centre;
  std::array<std::array<double, 2>, 2> turn;
};

// Draw `index` of the seed: with probability .05 the father as it is, .45 turned by quarters and mirrored, .50 by an
// affine map (shrunk to .5-1, small anisotropy and shear, any angle). A crop that fits lies inside the father; one
// that shows too little of it (a small father) gives way to an exact one.
CropDraw draw_crop(uint64_t seed, uint64_t index, int64_t father_y, int64_t father_x, int64_t crop_y, int64_t crop_x);

// Fills the crop by bicubic interpolation (Keys, a = -0.5). inside is 1 where the father alone made the pixel, else 0:
// there the crop continues the father by mirroring, so that no black corner is seen, and the loss leaves it out.
// Returns the number of pixels inside.
int64_t cut_crop(const Plane &father, const CropDraw &draw, Plane *crop, Plane *inside);

}  // namespace teravox
