// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "teravox_codecs.h"

struct tvc_buffer {
  std::vector<uint8_t> bytes;
};

namespace tvc {

// A failure with the status to report; everything else that is thrown is a defect or a lack of memory.
class Failure : public std::runtime_error {
 public:
  Failure(tvc_status status, const std::string &text) : std::runtime_error(text), status_(status) {}
  tvc_status status() const { return status_; }

 private:
  tvc_status status_;
};

void SetLastError(const char *text) noexcept;

inline void Require(bool condition, const char *text) {
  if (!condition) throw Failure(TVC_BAD_ARGUMENT, text);
}

// Runs the body of an entry point: nothing thrown crosses the C boundary.
template <typename Body>
tvc_status Guard(Body body) noexcept {
  try {
    body();
    return TVC_OK;
  } catch (const Failure &failure) {
    SetLastError(failure.what());
    return failure.status();
  } catch (const std::bad_alloc &) {
    SetLastError("out of memory");
    return TVC_NO_MEMORY;
  } catch (const std::exception &error) {
    SetLastError(error.what());
    return TVC_INTERNAL;
  } catch (...) {
    SetLastError("unknown failure");
    return TVC_INTERNAL;
  }
}

inline int BytesPerPixel(int32_t kind) {
  return kind == TVC_RGB8 ? 3 : kind == TVC_GREY16 ? 2 : 1;
}

// Checks a size that a file claims. packed_bits: bits of a pixel in the file. No packing in use here shrinks more
// than 4096 to 1 (Deflate 1032, LZW 2730, PackBits 64), so a file that claims more is damaged or meant to exhaust
// memory.
tvc_image_info CheckedInfo(uint32_t width, uint32_t height, int32_t kind, int32_t bits, int32_t packed_bits,
                           int64_t file_size);

// For the writers: width, height, kind and palette of an image that a caller gives.
void CheckImage(const tvc_image_info *info, const uint8_t *pixels, const uint32_t *palette);

}  // namespace tvc
