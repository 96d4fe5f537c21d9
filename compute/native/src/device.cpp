// SPDX-License-Identifier: Apache-2.0
#include "device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <mutex>

#include "guard.h"

namespace teravox {

const char *build_info() noexcept {
#ifdef TERAVOX_HAS_ONEDNN
#define TVX_CPU_PATH "oneDNN"
#else
#define TVX_CPU_PATH "libtorch"
#endif
  try {
    static const std::string text = std::string("libteravox " TERAVOX_VERSION ", libtorch " TORCH_VERSION ", CUDA ") +
                                    (at::hasCUDA() ? "built in" : "not built in") + ", CPU inference by " TVX_CPU_PATH;
    return text.c_str();
  } catch (...) {
    return "libteravox " TERAVOX_VERSION;
  }
#undef TVX_CPU_PATH
}

int32_t cuda_device_count() noexcept {
  try {
    return static_cast<int32_t>(torch::cuda::device_count());
  } catch (...) {
    return 0;  // a driver that cannot be asked is a device that cannot be used
  }
}

c10::Device parse_device(const std::string &name) {
  if (name == "cpu") return c10::Device(c10::kCPU);
  bool digits = name.size() > 5 && name.size() <= 8 && name.find_first_not_of("0123456789", 5) == std::string::npos;
  if (name != "cuda" && !(name.rfind("cuda:", 0) == 0 && digits)) {
    throw Error(TVX_NO_DEVICE, "device \"" + name + "\" is unknown; use cpu or cuda:0, cuda:1, ...");
  }
  int index = name == "cuda" ? 0 : std::stoi(name.substr(5));
  int32_t count = cuda_device_count();
  if (index >= count) {
    throw Error(TVX_NO_DEVICE, "device \"" + name + "\" is absent: this process can use " + std::to_string(count) +
                                   " CUDA devices" + (at::hasCUDA() ? "" : ", the library is built without CUDA"));
  }
  static std::once_flag once;
  std::call_once(once, [] {
    at::globalContext().setAllowTF32CuDNN(false);
    at::globalContext().setAllowTF32CuBLAS(false);
    at::globalContext().setDeterministicCuDNN(true);
    at::globalContext().setBenchmarkCuDNN(false);
  });
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

void use_threads(int32_t threads) {
  if (threads < 1 || threads > 1024) {
    throw Error(TVX_BAD_ARGUMENT, "threads is " + std::to_string(threads) + ", but must be 1..1024");
  }
  // A thread that first computes takes the count that any thread of the process asked for last, and would lose its own:
  // asking for the count has libtorch do that now.
  at::get_num_threads();
  at::set_num_threads(threads);
}

}  // namespace teravox
