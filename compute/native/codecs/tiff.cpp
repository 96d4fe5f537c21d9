// SPDX-License-Identifier: Apache-2.0
#include "tiff.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace tvc {

uint64_t TiffStream::Seek(uint64_t offset, int whence) {
  if (whence == SEEK_CUR)
    offset += position_;
  else if (whence == SEEK_END)
    offset += Size();
  return position_ = offset;
}

TiffHandle::TiffHandle(TiffStream *stream, const char *mode) {
  // Owned by libtiff only during the call.
  std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(), TIFFOpenOptionsFree);
  if (!options) throw std::bad_alloc();
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), TVC_MAX_PIXEL_BYTES);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), OnError, this);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), OnWarning, this);
  tiff_ = TIFFClientOpenExt(
      "image", mode, stream,
      [](thandle_t s, void *into, tmsize_t count) { return static_cast<TiffStream *>(s)->Read(into, count); },
      [](thandle_t s, void *from, tmsize_t count) { return static_cast<TiffStream *>(s)->Write(from, count); },
      [](thandle_t s, toff_t offset, int whence) { return static_cast<TiffStream *>(s)->Seek(offset, whence); },
      [](thandle_t) { return 0; }, [](thandle_t s) { return static_cast<TiffStream *>(s)->Size(); },
      [](thandle_t, void **, toff_t *) { return 0; }, [](thandle_t, void *, toff_t) {}, options.get());
}

TiffHandle::~TiffHandle() {
  if (tiff_) TIFFClose(tiff_);
}

bool TiffHandle::Close() {
  const bool flushed = tiff_ && TIFFFlush(tiff_) == 1;
  if (tiff_) TIFFClose(tiff_);
  tiff_ = nullptr;
  return flushed && error_.empty();
}

int TiffHandle::OnError(TIFF *, void *self, const char *module, const char *format, va_list arguments) {
  // The first error is the cause, later ones follow from it.
  auto &error = static_cast<TiffHandle *>(self)->error_;
  if (!error.empty()) return 1;
  char text[400];
  std::vsnprintf(text, sizeof(text), format, arguments);
  try {
    error = text;
    if (module && std::strcmp(module, "image") != 0) error = std::string(module) + ": " + error;
    if (error.empty()) error = "unknown error";
  } catch (...) {
    // The message is lost, the failed call is not: libtiff reports it by its return value as well.
  }
  return 1;
}

// libtiff only warns where it goes on without a field that it could not read, though the pixels may then mean
// something else: a palette cut off turns indices into grey levels. Such warnings are errors here. Others (private
// tags, odd resolutions) do not matter to the pixels.
int TiffHandle::OnWarning(TIFF *tiff, void *self, const char *module, const char *format, va_list arguments) {
  char text[400];
  va_list copy;
  va_copy(copy, arguments);
  std::vsnprintf(text, sizeof(text), format, copy);
  va_end(copy);
  bool matters = std::strncmp(text, "IO error", 8) == 0;
  if (std::strstr(text, "tag ignored"))
    for (const char *field : {"\"ImageWidth", "\"ImageLength", "\"BitsPerSample", "\"SamplesPerPixel", "\"Compression",
                              "\"Photometric", "\"Color", "\"PlanarConfig", "\"SampleFormat", "\"FillOrder",
                              "\"Predictor", "\"RowsPerStrip", "\"Strip", "\"Tile"})
      matters = matters || std::strstr(text, field);
  return matters ? OnError(tiff, self, module, format, arguments) : 1;
}

namespace {

class MemoryStream : public TiffStream {
 public:
  MemoryStream(const uint8_t *bytes, uint64_t size) : bytes_(bytes), size_(size) {}
  tmsize_t Read(void *into, tmsize_t count) override {
    if (count <= 0 || position_ >= size_) return 0;
    const uint64_t n = std::min<uint64_t>(static_cast<uint64_t>(count), size_ - position_);
    std::memcpy(into, bytes_ + position_, n);
    position_ += n;
    return static_cast<tmsize_t>(n);
  }
  uint64_t Size() const override { return size_; }

 private:
  const uint8_t *bytes_;
  uint64_t size_;
};

class FileStream : public TiffStream {
 public:
  explicit FileStream(const char *path) : file_(open(path, O_RDONLY | O_CLOEXEC)) {
    struct stat status {};
    if (file_ < 0 || fstat(file_, &status) != 0) {
      const std::string reason = std::strerror(errno);
      if (file_ >= 0) close(file_);
      throw Failure(TVC_IO, "cannot open the file: " + reason);
    }
    size_ = static_cast<uint64_t>(status.st_size);
  }
  ~FileStream() override { close(file_); }
  FileStream(const FileStream &) = delete;
  FileStream &operator=(const FileStream &) = delete;

  tmsize_t Read(void *into, tmsize_t count) override {
    tmsize_t done = 0;
    while (done < count) {
      const ssize_t n = pread(file_, static_cast<char *>(into) + done, static_cast<size_t>(count - done),
                              static_cast<off_t>(position_));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return -1;
      if (n == 0) break;
      done += n;
      position_ += static_cast<uint64_t>(n);
    }
    return done;
  }
  uint64_t Size() const override { return size_; }

 private:
  int file_;
  uint64_t size_ = 0;
};

uint16_t Field16(TIFF *tiff, uint32_t tag, uint16_t fallback) {
  uint16_t value = fallback;
  return TIFFGetFieldDefaulted(tiff, tag, &value) ? value : fallback;
}

// What of the current page matters for reading it.
struct Layout {
  uint32_t width = 0, height = 0;
  uint16_t bits = 1, samples = 1, photometric = PHOTOMETRIC_MINISBLACK, planar = PLANARCONFIG_CONTIG;
};

std::string CompressionName(uint16_t scheme) {
  const TIFFCodec *codec = TIFFFindCODEC(scheme);
  return codec ? codec->name : "number " + std::to_string(scheme);
}

Layout ReadLayout(TIFF *tiff) {
  Layout layout;
  if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &layout.width) ||
      !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &layout.height))
    throw Failure(TVC_BAD_FORMAT, "the image has no size");
  layout.bits = Field16(tiff, TIFFTAG_BITSPERSAMPLE, 1);
  layout.samples = Field16(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
  layout.planar = Field16(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  uint16_t value = 0;
  layout.photometric = TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &value)
                           ? value
                           : static_cast<uint16_t>(layout.samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK);
  const uint16_t format = Field16(tiff, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
  if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID)
    throw Failure(TVC_UNSUPPORTED, std::string("samples are ") +
                                       (format == SAMPLEFORMAT_INT ? "signed" : "floating point") + " numbers of " +
                                       std::to_string(layout.bits) +
                                       " bits; convert the image to unsigned 8 or 16 bits");
  const uint16_t compression = Field16(tiff, TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  if (compression != COMPRESSION_NONE && compression != COMPRESSION_LZW && compression != COMPRESSION_DEFLATE &&
      compression != COMPRESSION_ADOBE_DEFLATE && compression != COMPRESSION_PACKBITS)
    throw Failure(TVC_UNSUPPORTED, "compression " + CompressionName(compression) +
                                       " is not read; save the image with none, LZW, Deflate or PackBits");
  return layout;
}

int32_t KindOf(const Layout &layout) {
  const std::string bits = std::to_string(layout.bits);
  switch (layout.photometric) {
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_MINISWHITE:
      if (layout.samples != 1)
        throw Failure(TVC_UNSUPPORTED, "a grey image with " + std::to_string(layout.samples) +
                                           " samples a pixel is not read; save it with one");
      if (layout.bits == 16) return TVC_GREY16;
      if (layout.bits == 8 || layout.bits == 4 || layout.bits == 2 || layout.bits == 1) return TVC_GREY8;
      throw Failure(TVC_UNSUPPORTED,
                    "a grey image of " + bits + " bits a sample is not read; convert it to 8 or 16 bits");
    case PHOTOMETRIC_PALETTE:
      if (layout.samples == 1 && (layout.bits == 8 || layout.bits == 4 || layout.bits == 2 || layout.bits == 1))
        return TVC_PALETTE8;
      throw Failure(TVC_UNSUPPORTED, "a palette image of " + bits + " bits a sample is not read; convert it to 8 bits");
    case PHOTOMETRIC_RGB:
      if (layout.bits == 8 && (layout.samples == 3 || layout.samples == 4)) return TVC_RGB8;
      throw Failure(TVC_UNSUPPORTED, "a colour image of " + std::to_string(layout.samples) + " x " + bits +
                                         " bits is not read; convert it to 3 x 8 bits");
    default:
      throw Failure(TVC_UNSUPPORTED, "the colour space (photometric " + std::to_string(layout.photometric) +
                                         ") is not read; save the image as grey, palette or RGB");
  }
}

// Unpacks a row of samples of 1, 2 or 4 bits to bytes times `scale`.
void UnpackBits(const uint8_t *from, uint32_t count, int bits, int scale, uint8_t *to) {
  const int mask = (1 << bits) - 1;
  for (uint32_t x = 0; x < count; ++x) {
    const uint32_t bit = x * static_cast<uint32_t>(bits);
    to[x] = static_cast<uint8_t>((from[bit >> 3] >> (8 - bits - static_cast<int>(bit & 7)) & mask) * scale);
  }
}

}  // namespace
}  // namespace tvc

using tvc::Failure;
using tvc::Guard;
using tvc::Layout;
using tvc::Require;

struct tvc_tiff {
 public:
  explicit tvc_tiff(std::unique_ptr<tvc::TiffStream> stream)
      : stream_(std::move(stream)), handle_(stream_.get(), "rmc") {
    if (!handle_.get()) throw Failure(TVC_BAD_FORMAT, "this is not a whole TIFF file: " + handle_.error());
    ListPages();
  }

  int32_t page_count() const { return static_cast<int32_t>(pages_.size()); }

  tvc_image_info Info(int32_t page) {
    Select(page);
    const Layout layout = tvc::ReadLayout(tiff());
    return Info(layout);
  }

  void Read(int32_t page, uint8_t *pixels, int64_t size, uint32_t *palette) {
    Select(page);
    const Layout layout = tvc::ReadLayout(tiff());
    const tvc_image_info info = Info(layout);
    Require(size >= info.pixel_bytes, "pixel buffer too small");
    if (raw_start_ > 0) {
      ReadRaw(page, info, pixels);
    } else {
      ReadPlanes(layout, info, pixels);
    }
    if (layout.photometric == PHOTOMETRIC_MINISWHITE) Invert(info, pixels);
    if (palette && info.kind == TVC_PALETTE8) ReadPalette(info.palette_count, palette);
  }

 private:
  static constexpr size_t kMaxPages = 1 << 20;

  void ReadPlanes(const Layout &layout, const tvc_image_info &info, uint8_t *pixels) {
    const int planes = layout.planar == PLANARCONFIG_SEPARATE ? (info.kind == TVC_RGB8 ? 3 : 1) : 1;
    for (int plane = 0; plane < planes; ++plane) ReadPlane(layout, info, plane, pixels);
  }

  TIFF *tiff() const { return handle_.get(); }

  [[noreturn]] void Fail(const std::string &what) {
    throw Failure(TVC_BAD_FORMAT, what + (handle_.has_error() ? ": " + handle_.error() : ""));
  }

  void ListPages() {
    for (;;) {
      if (handle_.has_error()) Fail("damaged TIFF");
      uint32_t subtype = 0;
      TIFFGetFieldDefaulted(tiff(), TIFFTAG_SUBFILETYPE, &subtype);
      if ((subtype & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) == 0) pages_.push_back(TIFFCurrentDirOffset(tiff()));
      if (TIFFLastDirectory(tiff())) break;
      if (pages_.size() >= kMaxPages) throw Failure(TVC_UNSUPPORTED, "the TIFF has more than a million pages");
      handle_.ClearError();
      // 0 also means the end elsewhere; here the last directory has been told apart, so it is damage.
      if (!TIFFReadDirectory(tiff())) Fail("damaged TIFF: page " + std::to_string(pages_.size()) + " cannot be found");
    }
    if (pages_.empty()) throw Failure(TVC_BAD_FORMAT, "the TIFF has no page");
    if (pages_.size() == 1) FindRawPages();
  }

  // ImageJ writes stacks above 4 GiB as a TIFF with one page; the pixels of all others follow that page's, and only
  // the description says how many there are. Taking such a file for a single slice would lose the rest silently.
  void FindRawPages() {
    Select(0);
    const char *description = nullptr;
    if (!TIFFGetField(tiff(), TIFFTAG_IMAGEDESCRIPTION, &description) || !description ||
        std::strncmp(description, "ImageJ=", 7) != 0)
      return;
    const char *images = std::strstr(description, "\nimages=");
    const long count = images ? std::strtol(images + 8, nullptr, 10) : 1;
    if (count <= 1) return;
    const Layout layout = tvc::ReadLayout(tiff());
    const tvc_image_info info = Info(layout);
    const bool raw = !TIFFIsTiled(tiff()) && layout.planar == PLANARCONFIG_CONTIG && layout.bits >= 8 &&
                     layout.samples * layout.bits / 8 == tvc::BytesPerPixel(info.kind) &&
                     tvc::Field16(tiff(), TIFFTAG_COMPRESSION, COMPRESSION_NONE) == COMPRESSION_NONE;
    if (!raw || static_cast<size_t>(count) > kMaxPages)
      throw Failure(TVC_UNSUPPORTED,
                    "an ImageJ stack of " + std::to_string(count) +
                        " images behind one page is read only uncompressed; save it as an image sequence");
    raw_start_ = TIFFGetStrileOffset(tiff(), 0);
    if (raw_start_ > stream_->Size() ||
        (stream_->Size() - raw_start_) / static_cast<uint64_t>(info.pixel_bytes) < static_cast<uint64_t>(count))
      throw Failure(TVC_BAD_FORMAT, "the file ends before the last of its " + std::to_string(count) + " images");
    pages_.assign(static_cast<size_t>(count), pages_[0]);
  }

  void ReadRaw(int32_t page, const tvc_image_info &info, uint8_t *pixels) {
    stream_->Seek(raw_start_ + static_cast<uint64_t>(page) * static_cast<uint64_t>(info.pixel_bytes), SEEK_SET);
    if (stream_->Read(pixels, info.pixel_bytes) != info.pixel_bytes) Fail("the TIFF's pixels are truncated");
    if (info.kind == TVC_GREY16 && TIFFIsByteSwapped(tiff()))
      TIFFSwabArrayOfShort(reinterpret_cast<uint16_t *>(pixels), info.pixel_bytes / 2);
  }

  void Select(int32_t page) {
    Require(page >= 0 && page < page_count(), "the TIFF has no such page");
    handle_.ClearError();
    const uint64_t offset = pages_[static_cast<size_t>(page)];
    if (TIFFCurrentDirOffset(tiff()) == offset) return;
    if (!TIFFSetSubDirectory(tiff(), offset) || handle_.has_error()) Fail("damaged TIFF");
  }

  tvc_image_info Info(const Layout &layout) {
    const int32_t kind = tvc::KindOf(layout);
    tvc_image_info info = tvc::CheckedInfo(layout.width, layout.height, kind, layout.bits, layout.bits * layout.samples,
                                           static_cast<int64_t>(stream_->Size()));
    if (kind == TVC_PALETTE8) info.palette_count = 1 << layout.bits;
    return info;
  }

  // Strips and tiles are read alike: blocks of rows that are cut where the image ends.
  void ReadPlane(const Layout &layout, const tvc_image_info &info, int plane, uint8_t *pixels) {
    const bool tiled = TIFFIsTiled(tiff()) != 0;
    uint32_t block_width = layout.width, block_height = layout.height;
    if (tiled) {
      if (!TIFFGetField(tiff(), TIFFTAG_TILEWIDTH, &block_width) ||
          !TIFFGetField(tiff(), TIFFTAG_TILELENGTH, &block_height))
        Fail("damaged TIFF: tiles without a size");
    } else {
      TIFFGetFieldDefaulted(tiff(), TIFFTAG_ROWSPERSTRIP, &block_height);
      block_height = std::min(block_height, layout.height);
    }
    if (block_width == 0 || block_height == 0) Fail("damaged TIFF: strips or tiles of size 0");
    const tmsize_t row_bytes = tiled ? TIFFTileRowSize(tiff()) : TIFFScanlineSize(tiff());
    const tmsize_t block_bytes = tiled ? TIFFTileSize(tiff()) : TIFFStripSize(tiff());
    // Every strip is a part of the image; a tile may stick out of it, but not be huge beside it.
    if (row_bytes <= 0 || block_bytes <= 0 || block_bytes > 4 * info.pixel_bytes + (64 << 20))
      Fail("damaged TIFF: strips or tiles of impossible size");
    std::vector<uint8_t> block(static_cast<size_t>(block_bytes));
    for (uint32_t y = 0; y < layout.height; y += block_height) {
      const uint32_t rows = std::min(block_height, layout.height - y);
      for (uint32_t x = 0; x < layout.width; x += block_width) {
        const uint32_t columns = std::min(block_width, layout.width - x);
        // The last strip may end with the image.
        const tmsize_t wanted = tiled ? block_bytes : row_bytes * static_cast<tmsize_t>(rows);
        const tmsize_t got =
            tiled ? TIFFReadEncodedTile(tiff(), TIFFComputeTile(tiff(), x, y, 0, static_cast<uint16_t>(plane)),
                                        block.data(), block_bytes)
                  : TIFFReadEncodedStrip(tiff(), TIFFComputeStrip(tiff(), y, static_cast<uint16_t>(plane)),
                                         block.data(), wanted);
        if (got < wanted || handle_.has_error())
          Fail("the TIFF's pixels are truncated or damaged from row " + std::to_string(y) + " on");
        for (uint32_t row = 0; row < rows; ++row)
          CopyRow(layout, info, plane, block.data() + row_bytes * static_cast<tmsize_t>(row), columns,
                  pixels + (static_cast<size_t>(y + row) * layout.width + x) *
                               static_cast<size_t>(tvc::BytesPerPixel(info.kind)));
        if (layout.width - x <= block_width) break;
      }
      if (layout.height - y <= block_height) break;
    }
  }

  static void CopyRow(const Layout &layout, const tvc_image_info &info, int plane, const uint8_t *from,
                      uint32_t columns, uint8_t *to) {
    switch (info.kind) {
      case TVC_GREY16:
        std::memcpy(to, from, 2 * static_cast<size_t>(columns));
        break;
      case TVC_RGB8: {
        const bool separate = layout.planar == PLANARCONFIG_SEPARATE;
        const size_t step = separate ? 1 : layout.samples;
        for (uint32_t x = 0; x < columns; ++x)
          for (int c = separate ? plane : 0; c < (separate ? plane + 1 : 3); ++c)
            to[3 * static_cast<size_t>(x) + static_cast<size_t>(c)] =
                from[x * step + static_cast<size_t>(separate ? 0 : c)];
        break;
      }
      default:
        if (layout.bits == 8)
          std::memcpy(to, from, columns);
        else
          tvc::UnpackBits(from, columns, layout.bits, info.kind == TVC_PALETTE8 ? 1 : 255 / ((1 << layout.bits) - 1),
                          to);
    }
  }

  static void Invert(const tvc_image_info &info, uint8_t *pixels) {
    // The complement of each byte is the complement of the sample, whatever its size.
    for (int64_t i = 0; i < info.pixel_bytes; ++i) pixels[i] = static_cast<uint8_t>(~pixels[i]);
  }

  void ReadPalette(int32_t count, uint32_t *palette) {
    uint16_t *red = nullptr, *green = nullptr, *blue = nullptr;
    if (!TIFFGetField(tiff(), TIFFTAG_COLORMAP, &red, &green, &blue)) Fail("the palette is missing");
    std::memset(palette, 0, sizeof(uint32_t) * TVC_MAX_PALETTE);
    // Some writers put 8-bit colours into the 16-bit table.
    bool small = true;
    for (int32_t i = 0; i < count; ++i) small = small && red[i] < 256 && green[i] < 256 && blue[i] < 256;
    const int shift = small ? 0 : 8;
    for (int32_t i = 0; i < count; ++i)
      palette[i] = static_cast<uint32_t>(red[i] >> shift) << 16 | static_cast<uint32_t>(green[i] >> shift) << 8 |
                   static_cast<uint32_t>(blue[i] >> shift);
  }

  std::unique_ptr<tvc::TiffStream> stream_;
  tvc::TiffHandle handle_;
  std::vector<uint64_t> pages_;
  uint64_t raw_start_ = 0;  // of an ImageJ stack's pixels; 0 for every other TIFF
};

tvc_status tvc_tiff_open_memory(const uint8_t *bytes, int64_t size, tvc_tiff **tiff) {
  return Guard([&] {
    Require(bytes && tiff && size >= 0, "null argument");
    *tiff = new tvc_tiff(std::make_unique<tvc::MemoryStream>(bytes, static_cast<uint64_t>(size)));
  });
}

tvc_status tvc_tiff_open_file(const char *path, tvc_tiff **tiff) {
  return Guard([&] {
    Require(path && tiff, "null argument");
    *tiff = new tvc_tiff(std::make_unique<tvc::FileStream>(path));
  });
}

void tvc_tiff_close(tvc_tiff *tiff) {
  delete tiff;
}

int32_t tvc_tiff_page_count(const tvc_tiff *tiff) {
  return tiff ? tiff->page_count() : 0;
}

tvc_status tvc_tiff_page_info(tvc_tiff *tiff, int32_t page, tvc_image_info *info) {
  return Guard([&] {
    Require(tiff && info, "null argument");
    *info = tiff->Info(page);
  });
}

tvc_status tvc_tiff_read_page(tvc_tiff *tiff, int32_t page, uint8_t *pixels, int64_t size, uint32_t *palette) {
  return Guard([&] {
    Require(tiff && pixels, "null argument");
    tiff->Read(page, pixels, size, palette);
  });
}
