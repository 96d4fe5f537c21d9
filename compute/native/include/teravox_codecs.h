/* SPDX-License-Identifier: Apache-2.0
 *
 * libteravox_codecs: TIFF, PNG and blosc behind a small C interface. It knows nothing of networks and does not
 * need libtorch, so that reading and writing volumes works without it.
 *
 *     tvc_tiff *tiff = NULL;
 *     if (tvc_tiff_open_memory(bytes, size, &tiff) != TVC_OK) { puts(tvc_last_error()); return 1; }
 *     tvc_image_info info;
 *     tvc_tiff_page_info(tiff, 0, &info);
 *     uint8_t *pixels = malloc(info.pixel_bytes);
 *     tvc_tiff_read_page(tiff, 0, pixels, info.pixel_bytes, NULL);
 *     tvc_tiff_close(tiff);
 *
 * Pixels are rows from the top, without padding: grey8 and palette8 1 byte, grey16 2 bytes in native order, rgb8
 * 3 bytes. Grey samples of 1, 2 and 4 bits come as grey8, scaled so that the largest sample is 255; palette
 * indices are never scaled. TIFFs where 0 means white are inverted. Alpha is dropped.
 *
 * Truncated and damaged files are errors, never silently filled up. What a file claims is checked against its
 * length before memory is taken for it.
 *
 * Threads: a tvc_tiff is used by one thread at a time; everything else may be called from any thread.
 *
 * Errors: as in teravox.h: anything but TVC_OK leaves a line of text for the calling thread in tvc_last_error().
 * Nothing thrown inside crosses this boundary. Output parameters are written on success only; a pixel buffer may
 * be partly written on failure.
 */
#ifndef TERAVOX_CODECS_H
#define TERAVOX_CODECS_H

#include <stdint.h>

#if defined(_WIN32)
#define TVC_API __declspec(dllexport)
#else
#define TVC_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Raised whenever a struct, a value or a signature below changes its meaning. */
#define TVC_ABI_VERSION 1

/* ---- status ------------------------------------------------------------------------------------------ */

/* The ranges of teravox.h: 1xx the caller's arguments, 2xx files, 3xx resources, 9xx a defect here. */
typedef int32_t tvc_status;
enum {
  TVC_OK = 0,
  TVC_BAD_ARGUMENT = 100, /* a null pointer, a number out of range, a buffer too small */
  TVC_IO = 200,           /* a file cannot be opened or read */
  TVC_BAD_FORMAT = 201,   /* truncated, damaged, or not of this format at all */
  TVC_UNSUPPORTED = 203,  /* a well-formed image of a kind that is not read; the text says which */
  TVC_NO_MEMORY = 300,
  TVC_INTERNAL = 900
};

/* The text for the calling thread's last failure, or "" if there was none. Never NULL. */
TVC_API const char *tvc_last_error(void);

/* TVC_ABI_VERSION of the library that is loaded. */
TVC_API int32_t tvc_abi_version(void);

/* One line: the versions of libtiff, libpng and blosc in use. Static storage. */
TVC_API const char *tvc_build_info(void);

/* ---- images ------------------------------------------------------------------------------------------ */

enum { TVC_GREY8 = 0, TVC_GREY16 = 1, TVC_PALETTE8 = 2, TVC_RGB8 = 3 };

#define TVC_MAX_SIDE (1 << 20)           /* pixels along one side */
#define TVC_MAX_PIXEL_BYTES 0x7fffffc7LL /* of one image: what a .NET array can hold */
#define TVC_MAX_PALETTE 256

typedef struct tvc_image_info {
  int32_t width;
  int32_t height;
  int32_t kind;          /* TVC_GREY8 ... TVC_RGB8 */
  int32_t bits;          /* of a sample in the file: 1, 2, 4, 8 or 16 */
  int32_t palette_count; /* entries of the palette, 0 unless palette8 */
  int32_t reserved;      /* 0 */
  int64_t pixel_bytes;   /* width * height * bytes of a pixel */
} tvc_image_info;

/* ---- TIFF: 8 and 16-bit unsigned grey, 1, 2 and 4-bit grey, palette, 8-bit RGB; strips or tiles; none, LZW,
 * Deflate, PackBits; either byte order; BigTIFF; ImageJ's stacks above 4 GiB --------------------------------- */

typedef struct tvc_tiff tvc_tiff;

/* The bytes are borrowed until tvc_tiff_close. */
TVC_API tvc_status tvc_tiff_open_memory(const uint8_t *bytes, int64_t size, tvc_tiff **tiff);
/* Reads what it needs when it needs it; for stacks larger than memory. UTF-8 path. */
TVC_API tvc_status tvc_tiff_open_file(const char *path, tvc_tiff **tiff);
TVC_API void tvc_tiff_close(tvc_tiff *tiff); /* NULL is fine */

/* Pages that are images of their own: reduced copies (thumbnails) and masks do not count. */
TVC_API int32_t tvc_tiff_page_count(const tvc_tiff *tiff);
TVC_API tvc_status tvc_tiff_page_info(tvc_tiff *tiff, int32_t page, tvc_image_info *info);
/* size: of pixels, at least info.pixel_bytes. palette: NULL or TVC_MAX_PALETTE entries 0xRRGGBB. */
TVC_API tvc_status tvc_tiff_read_page(tvc_tiff *tiff, int32_t page, uint8_t *pixels, int64_t size, uint32_t *palette);

/* ---- PNG: grey of 1, 2, 4, 8, 16 bits, palette, RGB(A) of 8 bits, interlaced or not ----------------------- */

/* The bytes may be only the beginning of a file of file_size bytes; TVC_BAD_FORMAT when the header is longer. */
TVC_API tvc_status tvc_png_info(const uint8_t *bytes, int64_t size, int64_t file_size, tvc_image_info *info);
TVC_API tvc_status tvc_png_read(const uint8_t *bytes, int64_t size, uint8_t *pixels, int64_t pixels_size,
                                uint32_t *palette);

/* ---- writing ----------------------------------------------------------------------------------------- */

/* Bytes that the library owns; given back with tvc_buffer_free. */
typedef struct tvc_buffer tvc_buffer;
TVC_API const uint8_t *tvc_buffer_data(const tvc_buffer *buffer);
TVC_API int64_t tvc_buffer_size(const tvc_buffer *buffer);
TVC_API void tvc_buffer_free(tvc_buffer *buffer); /* NULL is fine */

/* What is written depends on the arguments alone: no time, no host, no name. Of info, width, height, kind and
 * palette_count (1..256 for palette8) are read; palette entries are 0xRRGGBB, NULL unless palette8. */
TVC_API tvc_status tvc_png_write(const tvc_image_info *info, const uint8_t *pixels, const uint32_t *palette,
                                 tvc_buffer **buffer);

/* Little-endian classic TIFF in strips; deflate: 0 = none, 1 = Deflate. */
TVC_API tvc_status tvc_tiff_write(const tvc_image_info *info, const uint8_t *pixels, const uint32_t *palette,
                                  int32_t deflate, tvc_buffer **buffer);

/* ---- blosc 1 ----------------------------------------------------------------------------------------- */

enum { TVC_SHUFFLE_NONE = 0, TVC_SHUFFLE_BYTE = 1, TVC_SHUFFLE_BIT = 2 };

/* The most bytes that `size` bytes can take when packed, or -1 when they are too many (2 GiB). */
TVC_API int64_t tvc_blosc_bound(int64_t size);

/* codec: "lz4", "zstd", "blosclz", "zlib" ...; level 0..9; type_size: bytes of an element, 1..255. One thread.
 * capacity: at least tvc_blosc_bound(size). */
TVC_API tvc_status tvc_blosc_compress(const char *codec, int32_t level, int32_t shuffle, int32_t type_size,
                                      const uint8_t *bytes, int64_t size, uint8_t *packed, int64_t capacity,
                                      int64_t *packed_size);

/* Fails unless the packed bytes are well-formed and unpack to exactly `size` bytes. */
TVC_API tvc_status tvc_blosc_decompress(const uint8_t *packed, int64_t packed_size, uint8_t *bytes, int64_t size);

#ifdef __cplusplus
}
#endif

#endif
