// SPDX-License-Identifier: Apache-2.0
//
// The entries of teravox.h for zero-shot super-resolution.
#include <cmath>

#include "guard.h"
#include "zssr.h"

using teravox::Error;
using teravox::guard;
using teravox::Plane;
using teravox::require;

struct tvx_zssr {
  std::unique_ptr<teravox::Zssr> run;
};

namespace {

void require_shape(const int64_t shape[2]) {
  constexpr int64_t kMost = int64_t{1} << 20;
  for (int axis = 0; axis < 2; ++axis) {
    if (shape[axis] < 1 || shape[axis] > kMost) {
      throw Error(TVX_BAD_SHAPE, "the image has " + std::to_string(shape[axis]) + " pixels along axis " + "yx"[axis] +
                                     ", but must have 1 to " + std::to_string(kMost));
    }
  }
}

template <typename Pixel>
Plane read(const void *pixels, const int64_t shape[2]) {
  Plane image(shape[0], shape[1]);
  const Pixel *from = static_cast<const Pixel *>(pixels);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = from[i];
  return image;
}

template <typename Pixel>
void write(const Plane &image, void *pixels) {
  Pixel *to = static_cast<Pixel *>(pixels);
  for (size_t i = 0; i < image.pixels.size(); ++i) to[i] = static_cast<Pixel>(std::lround(image.pixels[i]));
}

}  // namespace

void tvx_zssr_defaults(tvx_zssr_options *options) {
  if (options != nullptr) *options = teravox::default_zssr_options();
}

tvx_status tvx_zssr_create(const tvx_zssr_options *options, const tvx_reduction *reduction, const char *device,
                           int32_t threads, tvx_zssr **zssr) {
  return guard([&] {
    require(options, "options");
    require(reduction, "reduction");
    require(device, "device");
    require(zssr, "zssr");
    *zssr =
        new tvx_zssr{std::make_unique<teravox::Zssr>(*options, teravox::make_reduction(*reduction), device, threads)};
  });
}

tvx_status tvx_zssr_shape(const tvx_zssr *zssr, const int64_t shape[2], int64_t enlarged[2]) {
  return guard([&] {
    require(zssr, "zssr");
    require(shape, "shape");
    require(enlarged, "enlarged");
    require_shape(shape);
    const teravox::Shape2 by_scale = zssr->run->enlarged_shape({shape[0], shape[1]});
    std::copy(by_scale.begin(), by_scale.end(), enlarged);
  });
}

tvx_status tvx_zssr_run(tvx_zssr *zssr, const void *pixels, int32_t voxel_type, const int64_t shape[2],
                        const int64_t enlarged_shape[2], uint64_t seed, int32_t warm, void *enlarged,
                        const tvx_callbacks *callbacks) {
  return guard([&] {
    require(zssr, "zssr");
    require(pixels, "pixels");
    require(shape, "shape");
    require(enlarged_shape, "enlarged_shape");
    require(enlarged, "enlarged");
    require_shape(shape);
    if (voxel_type != TVX_UINT8 && voxel_type != TVX_UINT16) {
      throw Error(TVX_BAD_ARGUMENT,
                  "voxel_type is " + std::to_string(voxel_type) + ", but must be TVX_UINT8 or TVX_UINT16");
    }
    const bool wide = voxel_type == TVX_UINT16;
    const Plane image = wide ? read<uint16_t>(pixels, shape) : read<uint8_t>(pixels, shape);
    const Plane result =
        zssr->run->run(image, {enlarged_shape[0], enlarged_shape[1]}, wide ? 65535 : 255, seed, warm != 0, callbacks);
    wide ? write<uint16_t>(result, enlarged) : write<uint8_t>(result, enlarged);
  });
}

tvx_status tvx_zssr_get_state(const tvx_zssr *zssr, tvx_zssr_state *state) {
  return guard([&] {
    require(zssr, "zssr");
    require(state, "state");
    *state = zssr->run->state();
  });
}

void tvx_zssr_free(tvx_zssr *zssr) {
  delete zssr;
}
