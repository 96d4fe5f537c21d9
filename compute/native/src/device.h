// SPDX-License-Identifier: Apache-2.0
//
// Every choice that depends on the device, in one place.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <string>

namespace teravox {

// One line: versions, and whether CUDA and oneDNN are built in. Static storage.
const char *build_info() noexcept;

// Devices that can be used now, 0 without CUDA.
int32_t cuda_device_count() noexcept;

// "cpu", "cuda" or "cuda:N". Throws TVX_NO_DEVICE when the name is unknown or the device is absent, with a text that
// says what there is. On the first CUDA device of the process, arithmetic is set to plain float32 (no TF32) and
// deterministic algorithms: tiles computed apart must agree.
c10::Device parse_device(const std::string &name);

// Sets how many threads libtorch and OpenMP use for calls from this thread. Throws TVX_BAD_ARGUMENT below 1.
void use_threads(int32_t threads);

}  // namespace teravox
