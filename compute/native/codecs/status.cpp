// SPDX-License-Identifier: Apache-2.0
#include "status.h"

#include <blosc.h>
#include <png.h>
#include <tiffio.h>

namespace tvc {
namespace {
thread_local std::string last_error;
}

void SetLastError(const char *text) noexcept {
  try {
    last_error = text;
    for (char &c : last_error)
      if (c == '\n' || c == '\r') c = ' ';
  } catch (...) {
    last_error.clear();
  }
}

tvc_image_info CheckedInfo(uint32_t width, uint32_t height, int32_t kind, int32_t bits, int32_t packed_bits,
                           int64_t file_size) {
  const std::string size = std::to_string(width) + " x " + std::to_string(height);
  if (width == 0 || height == 0 || width > TVC_MAX_SIDE || height > TVC_MAX_SIDE)
    throw Failure(TVC_BAD_FORMAT,
                  "the image claims a size of " + size + " pixels, outside 1.." + std::to_string(TVC_MAX_SIDE));
  tvc_image_info info{};
  info.width = static_cast<int32_t>(width);
  info.height = static_cast<int32_t>(height);
  info.kind = kind;
  info.bits = bits;
  info.pixel_bytes = static_cast<int64_t>(width) * height * BytesPerPixel(kind);
  if (info.pixel_bytes > TVC_MAX_PIXEL_BYTES)
    throw Failure(TVC_UNSUPPORTED, "an image of " + size + " pixels takes more than 2 GiB; cut it into smaller ones");
  const int64_t packed = static_cast<int64_t>(width) * packed_bits / 8 * height;
  if (packed / 4096 > file_size)
    throw Failure(TVC_BAD_FORMAT,
                  "the image claims " + size + " pixels but the file has only " + std::to_string(file_size) + " bytes");
  return info;
}

void CheckImage(const tvc_image_info *info, const uint8_t *pixels, const uint32_t *palette) {
  Require(info && pixels, "null image");
  Require(info->kind >= TVC_GREY8 && info->kind <= TVC_RGB8, "unknown kind of image");
  Require(info->width > 0 && info->height > 0 && info->width <= TVC_MAX_SIDE && info->height <= TVC_MAX_SIDE,
          "image size out of range");
  Require(static_cast<int64_t>(info->width) * info->height * BytesPerPixel(info->kind) <= TVC_MAX_PIXEL_BYTES,
          "image above 2 GiB");
  if (info->kind == TVC_PALETTE8)
    Require(palette && info->palette_count >= 1 && info->palette_count <= TVC_MAX_PALETTE,
            "palette missing or out of range");
}

}  // namespace tvc

const char *tvc_last_error(void) {
  return tvc::last_error.c_str();
}

int32_t tvc_abi_version(void) {
  return TVC_ABI_VERSION;
}

const char *tvc_build_info(void) {
  static const std::string text = [] {
    std::string tiff = TIFFGetVersion();
    tiff = tiff.substr(0, tiff.find('\n'));
    return "teravox_codecs " + std::to_string(TVC_ABI_VERSION) + ", " + tiff + ", libpng " +
           png_get_libpng_ver(nullptr) + ", blosc " + blosc_get_version_string();
  }();
  return text.c_str();
}

const uint8_t *tvc_buffer_data(const tvc_buffer *buffer) {
  return buffer ? buffer->bytes.data() : nullptr;
}

int64_t tvc_buffer_size(const tvc_buffer *buffer) {
  return buffer ? static_cast<int64_t>(buffer->bytes.size()) : 0;
}

void tvc_buffer_free(tvc_buffer *buffer) {
  delete buffer;
}
