// SPDX-License-Identifier: Apache-2.0
#include "zssr_output.h"

#include <algorithm>

namespace teravox {

Plane turned(const Plane &image, int index) {
  const bool swapped = (index & 4) != 0;
  Plane result(swapped ? image.x : image.y, swapped ? image.y : image.x);
  for (int64_t i = 0; i < image.y; ++i) {
    const float *from = image.row((index & 1) != 0 ? image.y - 1 - i : i);
    for (int64_t j = 0; j < image.x; ++j) {
      const float value = from[(index & 2) != 0 ? image.x - 1 - j : j];
      (swapped ? result.row(j)[i] : result.row(i)[j]) = value;
    }
  }
  return result;
}

Plane turned_back(const Plane &image, int index) {
  const bool swapped = (index & 4) != 0;
  Plane result(swapped ? image.x : image.y, swapped ? image.y : image.x);
  for (int64_t i = 0; i < result.y; ++i) {
    float *to = result.row((index & 1) != 0 ? result.y - 1 - i : i);
    for (int64_t j = 0; j < result.x; ++j) {
      to[(index & 2) != 0 ? result.x - 1 - j : j] = swapped ? image.row(j)[i] : image.row(i)[j];
    }
  }
  return result;
}

Plane resampled(const Resampling &plan, const Plane &image) {
  Plane result(plan.out()[0], plan.out()[1]);
  std::vector<float> scratch;
  plan.run(image.pixels.data(), result.pixels.data(), &scratch);
  return result;
}

void back_project(const ScalePair &scales, const Plane &low, float top, int32_t times, Plane *high,
                  const std::function<void()> &between) {
  for (int32_t i = 0; i < times; ++i) {
    between();
    Plane lacking = resampled(scales.down, *high);
    for (size_t k = 0; k < lacking.pixels.size(); ++k) lacking.pixels[k] = low.pixels[k] - lacking.pixels[k];
    const Plane more = resampled(scales.up, lacking);
    for (size_t k = 0; k < more.pixels.size(); ++k) high->pixels[k] += more.pixels[k];
    clip(high, top);
  }
}

Plane enlarged(ZssrNet *net, const Plane &low, const ScalePair &scales, const Enlarging &how,
               const std::function<void()> &between, const std::function<void(double)> &done) {
  const Plane start = resampled(scales.up, low);
  // Bicubic commutes with turns: one output is all of them.
  const int turns = net == nullptr || !how.ensemble ? 1 : how.swaps_axes ? 8 : 4;
  std::vector<Plane> outputs;
  for (int turn = 0; turn < turns; ++turn) {
    Plane output =
        net == nullptr ? start : turned_back(forward_tiled(net, turned(start, turn), how.tile, between), turn);
    clip(&output, how.top);
    back_project(scales, low, how.top, how.back_projections, &output, between);
    outputs.push_back(std::move(output));
    done(static_cast<double>(turn + 1) / turns);
  }
  Plane result = median(outputs);
  back_project(scales, low, how.top, how.back_projections, &result, between);
  return result;
}

Plane median(const std::vector<Plane> &images) {
  const size_t n = images.size();
  Plane result(images[0].y, images[0].x);
  std::vector<float> values(n);
  for (size_t k = 0; k < result.pixels.size(); ++k) {
    for (size_t i = 0; i < n; ++i) values[i] = images[i].pixels[k];
    std::sort(values.begin(), values.end());
    result.pixels[k] = n % 2 == 1 ? values[n / 2] : .5f * (values[n / 2 - 1] + values[n / 2]);
  }
  return result;
}

void clip(Plane *image, float top) {
  for (float &pixel : image->pixels) pixel = std::clamp(pixel, 0.0f, top);
}

}  // namespace teravox
