// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <memory>

#include "tiff.h"

using tvc::Failure;
using tvc::Guard;
using tvc::Require;

namespace {

constexpr size_t kStripBytes = 256 << 10;

class VectorStream : public tvc::TiffStream {
 public:
  explicit VectorStream(std::vector<uint8_t> *bytes) : bytes_(bytes) {}

  tmsize_t Read(void *into, tmsize_t count) override {
    if (count <= 0 || position_ >= bytes_->size()) return 0;
    const uint64_t n = std::min<uint64_t>(static_cast<uint64_t>(count), bytes_->size() - position_);
    std::memcpy(into, bytes_->data() + position_, n);
    position_ += n;
    return static_cast<tmsize_t>(n);
  }

  tmsize_t Write(const void *from, tmsize_t count) override {
    try {
      const uint64_t end = position_ + static_cast<uint64_t>(count);
      if (end > bytes_->size()) bytes_->resize(end);
      std::memcpy(bytes_->data() + position_, from, static_cast<size_t>(count));
      position_ = end;
      return count;
    } catch (const std::bad_alloc &) {
      return -1;  // libtiff is C: nothing may be thrown through it
    }
  }

  uint64_t Size() const override { return bytes_->size(); }

 private:
  std::vector<uint8_t> *bytes_;
};

}  // namespace

tvc_status tvc_tiff_write(const tvc_image_info *info, const uint8_t *pixels, const uint32_t *palette, int32_t deflate,
                          tvc_buffer **buffer) {
  return Guard([&] {
    tvc::CheckImage(info, pixels, palette);
    Require(buffer && (deflate == 0 || deflate == 1), "null argument or unknown compression");
    auto result = std::make_unique<tvc_buffer>();
    VectorStream stream(&result->bytes);
    tvc::TiffHandle handle(&stream, "wl");
    TIFF *tiff = handle.get();
    if (!tiff) throw Failure(TVC_INTERNAL, "cannot start a TIFF: " + handle.error());
    const size_t stride = static_cast<size_t>(info->width) * static_cast<size_t>(tvc::BytesPerPixel(info->kind));
    const uint32_t rows = static_cast<uint32_t>(
        std::min<size_t>(static_cast<size_t>(info->height), std::max<size_t>(1, kStripBytes / stride)));
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, static_cast<uint32_t>(info->width));
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, static_cast<uint32_t>(info->height));
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, info->kind == TVC_GREY16 ? 16 : 8);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, info->kind == TVC_RGB8 ? 3 : 1);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, deflate ? COMPRESSION_ADOBE_DEFLATE : COMPRESSION_NONE);
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, rows);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC,
                 info->kind == TVC_RGB8       ? PHOTOMETRIC_RGB
                 : info->kind == TVC_PALETTE8 ? PHOTOMETRIC_PALETTE
                                              : PHOTOMETRIC_MINISBLACK);
    if (info->kind == TVC_PALETTE8) {
      // Always 256 entries: a TIFF's palette has as many as a sample has values. Times 257 maps 255 to 65535.
      std::vector<uint16_t> colours(3 * TVC_MAX_PALETTE);
      for (int i = 0; i < info->palette_count; ++i)
        for (int c = 0; c < 3; ++c)
          colours[static_cast<size_t>(c * TVC_MAX_PALETTE + i)] =
              static_cast<uint16_t>((palette[i] >> (16 - 8 * c) & 255) * 257);
      TIFFSetField(tiff, TIFFTAG_COLORMAP, colours.data(), colours.data() + TVC_MAX_PALETTE,
                   colours.data() + 2 * TVC_MAX_PALETTE);
    }
    // libtiff may swap or predict in place, so each strip is copied.
    std::vector<uint8_t> strip(stride * rows);
    for (uint32_t y = 0, index = 0; y < static_cast<uint32_t>(info->height); y += rows, ++index) {
      const size_t bytes = stride * std::min(rows, static_cast<uint32_t>(info->height) - y);
      std::memcpy(strip.data(), pixels + stride * y, bytes);
      if (TIFFWriteEncodedStrip(tiff, index, strip.data(), static_cast<tmsize_t>(bytes)) < 0)
        throw Failure(TVC_INTERNAL, "cannot write TIFF: " + handle.error());
    }
    if (!handle.Close()) throw Failure(TVC_INTERNAL, "cannot write TIFF: " + handle.error());
    *buffer = result.release();
  });
}
