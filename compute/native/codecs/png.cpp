// SPDX-License-Identifier: Apache-2.0
#include <png.h>

#include <cstring>
#include <memory>

#include "status.h"

using tvc::Failure;
using tvc::Guard;
using tvc::Require;

namespace {

constexpr size_t kSignature = 8;

struct Source {
  const uint8_t *bytes;
  size_t size;
  size_t position;
};

struct Text {
  char text[256];
};

// libpng leaves by longjmp, which skips destructors: the functions between setjmp and here keep plain data only.
void OnError(png_structp png, png_const_charp message) {
  auto *error = static_cast<Text *>(png_get_error_ptr(png));
  std::strncpy(error->text, message, sizeof(error->text) - 1);
  png_longjmp(png, 1);
}

// libpng warns of what does not change the pixels: odd ancillary chunks, spare bytes after the last row.
void OnWarning(png_structp, png_const_charp) {}

void ReadBytes(png_structp png, png_bytep into, size_t count) {
  auto *source = static_cast<Source *>(png_get_io_ptr(png));
  if (count > source->size - source->position) png_error(png, "the file ends too early");
  std::memcpy(into, source->bytes + source->position, count);
  source->position += count;
}

class Reader {
 public:
  Reader(const uint8_t *bytes, int64_t size) : source_{bytes, static_cast<size_t>(size), kSignature} {
    if (size < static_cast<int64_t>(kSignature) || png_sig_cmp(bytes, 0, kSignature) != 0)
      throw Failure(TVC_BAD_FORMAT, "this is not a PNG file");
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &error_, OnError, OnWarning);
    info_ = png_ ? png_create_info_struct(png_) : nullptr;
    if (!info_) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw std::bad_alloc();
    }
    png_set_read_fn(png_, &source_, ReadBytes);
    png_set_sig_bytes(png_, kSignature);
    png_set_user_limits(png_, TVC_MAX_SIDE, TVC_MAX_SIDE);
    png_set_chunk_malloc_max(png_, 8 << 20);
    png_set_chunk_cache_max(png_, 64);
  }
  ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Reader(const Reader &) = delete;
  Reader &operator=(const Reader &) = delete;

  tvc_image_info Header(int64_t file_size) {
    if (!TryHeader()) Fail();
    const int type = png_get_color_type(png_, info_);
    const int bits = png_get_bit_depth(png_, info_);
    int32_t kind = 0;
    if (type == PNG_COLOR_TYPE_PALETTE)
      kind = TVC_PALETTE8;
    else if (!(type & PNG_COLOR_MASK_COLOR))
      kind = bits == 16 ? TVC_GREY16 : TVC_GREY8;
    else if (bits == 8)
      kind = TVC_RGB8;
    else
      throw Failure(TVC_UNSUPPORTED, "a colour PNG of 16 bits a sample is not read; save it as grey or with 8 bits");
    tvc_image_info result = tvc::CheckedInfo(png_get_image_width(png_, info_), png_get_image_height(png_, info_), kind,
                                             bits, bits * png_get_channels(png_, info_), file_size);
    if (kind == TVC_PALETTE8) {
      png_colorp colours = nullptr;
      int count = 0;
      if (!png_get_PLTE(png_, info_, &colours, &count) || count < 1)
        throw Failure(TVC_BAD_FORMAT, "the palette is missing");
      result.palette_count = count;
    }
    return result;
  }

  void Pixels(const tvc_image_info &info, uint8_t *pixels, uint32_t *palette) {
    std::unique_ptr<png_bytep[]> rows(new png_bytep[static_cast<size_t>(info.height)]);
    const size_t stride = static_cast<size_t>(info.pixel_bytes / info.height);
    for (int32_t y = 0; y < info.height; ++y) rows[y] = pixels + stride * static_cast<size_t>(y);
    if (!TryPixels(info.kind, info.bits, stride, rows.get())) Fail();
    if (palette && info.kind == TVC_PALETTE8) {
      png_colorp colours = nullptr;
      int count = 0;
      png_get_PLTE(png_, info_, &colours, &count);
      std::memset(palette, 0, sizeof(uint32_t) * TVC_MAX_PALETTE);
      for (int i = 0; i < count && i < TVC_MAX_PALETTE; ++i)
        palette[i] = static_cast<uint32_t>(colours[i].red) << 16 | static_cast<uint32_t>(colours[i].green) << 8 |
                     colours[i].blue;
    }
  }

 private:
  bool TryHeader() {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_read_info(png_, info_);
    return true;
  }

  bool TryPixels(int32_t kind, int32_t bits, size_t stride, png_bytepp rows) {
    if (setjmp(png_jmpbuf(png_))) return false;
    if (kind == TVC_GREY8 && bits < 8) png_set_expand_gray_1_2_4_to_8(png_);
    if (kind == TVC_PALETTE8 && bits < 8) png_set_packing(png_);
    if (png_get_color_type(png_, info_) & PNG_COLOR_MASK_ALPHA) png_set_strip_alpha(png_);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (bits == 16) png_set_swap(png_);
#endif
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    if (png_get_rowbytes(png_, info_) != stride) png_error(png_, "rows have an unexpected length");
    png_read_image(png_, rows);
    png_read_end(png_, nullptr);
    return true;
  }

  [[noreturn]] void Fail() {
    throw Failure(TVC_BAD_FORMAT, std::string("damaged PNG: ") + error_.text);
  }

  Source source_;
  Text error_{};
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

void WriteBytes(png_structp png, png_bytep from, size_t count) {
  auto *bytes = static_cast<std::vector<uint8_t> *>(png_get_io_ptr(png));
  bool full = false;
  try {
    bytes->insert(bytes->end(), from, from + count);
  } catch (...) {
    full = true;
  }
  if (full) png_error(png, "out of memory");
}

void FlushBytes(png_structp) {}

bool TryWrite(png_structp png, png_infop header, const tvc_image_info *info, const uint8_t *pixels,
              const png_color *colours) {
  if (setjmp(png_jmpbuf(png))) return false;
  const int type = info->kind == TVC_RGB8       ? PNG_COLOR_TYPE_RGB
                   : info->kind == TVC_PALETTE8 ? PNG_COLOR_TYPE_PALETTE
                                                : PNG_COLOR_TYPE_GRAY;
  // The level and the filters are fixed here, so that the same pixels give the same bytes.
  png_set_compression_level(png, 6);
  png_set_filter(png, PNG_FILTER_TYPE_BASE, info->kind == TVC_PALETTE8 ? PNG_FILTER_NONE : PNG_FILTER_UP);
  png_set_IHDR(png, header, static_cast<png_uint_32>(info->width), static_cast<png_uint_32>(info->height),
               info->kind == TVC_GREY16 ? 16 : 8, type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  if (colours) png_set_PLTE(png, header, colours, info->palette_count);
  png_write_info(png, header);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  if (info->kind == TVC_GREY16) png_set_swap(png);
#endif
  const size_t stride = static_cast<size_t>(info->width) * static_cast<size_t>(tvc::BytesPerPixel(info->kind));
  for (int32_t y = 0; y < info->height; ++y) png_write_row(png, pixels + stride * static_cast<size_t>(y));
  png_write_end(png, header);
  return true;
}

}  // namespace

tvc_status tvc_png_info(const uint8_t *bytes, int64_t size, int64_t file_size, tvc_image_info *info) {
  return Guard([&] {
    Require(bytes && info && size >= 0 && file_size >= size, "null argument or size out of range");
    *info = Reader(bytes, size).Header(file_size);
  });
}

tvc_status tvc_png_read(const uint8_t *bytes, int64_t size, uint8_t *pixels, int64_t pixels_size, uint32_t *palette) {
  return Guard([&] {
    Require(bytes && pixels && size >= 0, "null argument");
    Reader reader(bytes, size);
    const tvc_image_info info = reader.Header(size);
    Require(pixels_size >= info.pixel_bytes, "pixel buffer too small");
    reader.Pixels(info, pixels, palette);
  });
}

tvc_status tvc_png_write(const tvc_image_info *info, const uint8_t *pixels, const uint32_t *palette,
                         tvc_buffer **buffer) {
  return Guard([&] {
    tvc::CheckImage(info, pixels, palette);
    Require(buffer, "null argument");
    auto result = std::make_unique<tvc_buffer>();
    png_color colours[TVC_MAX_PALETTE];
    if (info->kind == TVC_PALETTE8) {
      for (int i = 0; i < info->palette_count; ++i)
        colours[i] = {static_cast<png_byte>(palette[i] >> 16), static_cast<png_byte>(palette[i] >> 8),
                      static_cast<png_byte>(palette[i])};
      const size_t count = static_cast<size_t>(info->width) * static_cast<size_t>(info->height);
      for (size_t i = 0; i < count; ++i)
        Require(pixels[i] < info->palette_count, "a pixel's index lies beyond the palette");
    }
    Text error{};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &error, OnError, OnWarning);
    png_infop header = png ? png_create_info_struct(png) : nullptr;
    bool written = false;
    if (header) {
      png_set_write_fn(png, &result->bytes, WriteBytes, FlushBytes);
      written = TryWrite(png, header, info, pixels, info->kind == TVC_PALETTE8 ? colours : nullptr);
    }
    png_destroy_write_struct(&png, &header);
    if (!written) throw Failure(TVC_INTERNAL, std::string("cannot write PNG: ") + error.text);
    *buffer = result.release();
  });
}
