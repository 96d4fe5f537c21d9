// SPDX-License-Identifier: Apache-2.0
//
// Zero-shot super-resolution (Shocher, Cohen and Irani, arXiv 1712.06087) of one grey image at a time: a small network
// learns from the image alone how its own reductions are undone, and is then applied to the image.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plane.h"
#include "resample.h"
#include "teravox.h"
#include "zssr_net.h"

namespace teravox {

// The defaults that teravox.h promises.
tvx_zssr_options default_zssr_options();

// Throws TVX_BAD_ARGUMENT with one sentence that names the option that cannot be used.
void validate(const tvx_zssr_options &options);

// See tvx_zssr_* for what each call does. Used by one thread at a time.
class Zssr {
 public:
  Zssr(const tvx_zssr_options &options, const Reduction &reduction, const std::string &device, int32_t threads);

  // The image in grey levels, of which `top` is the largest that can be; the result has the pixels asked for, 0..top,
  // not rounded. Throws TVX_BAD_SHAPE when these are not what the scale gives, but for rounding.
  Plane run(const Plane &image, const Shape2 &enlarged, float top, uint64_t seed, bool warm,
            const tvx_callbacks *callbacks);

  // By the scale, rounded up.
  Shape2 enlarged_shape(const Shape2 &shape) const;

  // Of the run in progress, or the last.
  const tvx_zssr_state &state() const { return state_; }

 private:
  void train(const Plane &image, const std::vector<Plane> &fathers, const Scale2 &scale, float top, float noise,
             uint64_t seed, bool warm, const tvx_callbacks *callbacks);
  void progress(double of_step, const tvx_callbacks *callbacks) const;
  Plane enlarge(const Plane &image, const Scale2 &scale, const Shape2 &shape, float top,
                const tvx_callbacks *callbacks);

  tvx_zssr_options options_;
  Reduction reduction_;
  int32_t threads_;
  std::unique_ptr<ZssrNet> net_;
  bool trained_ = false;  // the network holds what a run learnt
  float unit_ = 1;        // grey levels of what the network sees as 1
  tvx_zssr_state state_{};
};

}  // namespace teravox
