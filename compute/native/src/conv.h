// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

namespace teravox {

// A 3-D convolution with stride 1 that keeps the size (odd kernel, zero padding) and can be differentiated. bias may
// be undefined. The same as at::conv3d up to rounding, but always on the CPU's fast path.
at::Tensor conv3d_same(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias);

}  // namespace teravox
