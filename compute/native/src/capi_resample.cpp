// SPDX-License-Identifier: Apache-2.0
//
// The entries of teravox.h for resampling.
#include "guard.h"
#include "resample.h"

using teravox::guard;
using teravox::require;
using teravox::Resampling;

namespace {

void run(const Resampling &plan, const float *image, float *out) {
  std::vector<float> scratch;
  plan.run(image, out, &scratch);
}

}  // namespace

tvx_status tvx_resample_enlarge(const float *image, const int64_t shape[2], const int64_t out_shape[2], float *out) {
  return guard([&] {
    require(image, "image");
    require(shape, "shape");
    require(out_shape, "out_shape");
    require(out, "out");
    run(Resampling::enlarge({shape[0], shape[1]}, {out_shape[0], out_shape[1]}), image, out);
  });
}

tvx_status tvx_resample_reduce(const tvx_reduction *reduction, const float *image, const int64_t shape[2],
                               const int64_t out_shape[2], float *out) {
  return guard([&] {
    require(reduction, "reduction");
    require(image, "image");
    require(shape, "shape");
    require(out_shape, "out_shape");
    require(out, "out");
    run(Resampling::reduce(teravox::make_reduction(*reduction), {shape[0], shape[1]}, {out_shape[0], out_shape[1]}),
        image, out);
  });
}
