// SPDX-License-Identifier: Apache-2.0
#include <blosc.h>

#include "status.h"

using tvc::Failure;
using tvc::Guard;
using tvc::Require;

int64_t tvc_blosc_bound(int64_t size) {
  return size < 0 || size > BLOSC_MAX_BUFFERSIZE ? -1 : size + BLOSC_MAX_OVERHEAD;
}

tvc_status tvc_blosc_compress(const char *codec, int32_t level, int32_t shuffle, int32_t type_size,
                              const uint8_t *bytes, int64_t size, uint8_t *packed, int64_t capacity,
                              int64_t *packed_size) {
  return Guard([&] {
    Require(codec && bytes && packed && packed_size, "null argument");
    Require(level >= 0 && level <= 9, "blosc level must be 0..9");
    Require(shuffle >= TVC_SHUFFLE_NONE && shuffle <= TVC_SHUFFLE_BIT, "unknown shuffle");
    Require(type_size >= 1 && type_size <= BLOSC_MAX_TYPESIZE, "element size must be 1..255");
    const int64_t bound = tvc_blosc_bound(size);
    Require(size > 0 && bound >= 0 && capacity >= bound, "size out of range or buffer too small");
    if (blosc_compname_to_compcode(codec) < 0)
      throw Failure(TVC_UNSUPPORTED,
                    std::string("this blosc has no codec ") + codec + "; it has " + blosc_list_compressors());
    // The _ctx calls keep no global state and start no threads.
    const int written = blosc_compress_ctx(level, shuffle, static_cast<size_t>(type_size), static_cast<size_t>(size),
                                           bytes, packed, static_cast<size_t>(bound), codec, 0, 1);
    if (written <= 0) throw Failure(TVC_INTERNAL, "blosc could not pack the bytes");
    *packed_size = written;
  });
}

tvc_status tvc_blosc_decompress(const uint8_t *packed, int64_t packed_size, uint8_t *bytes, int64_t size) {
  return Guard([&] {
    Require(packed && bytes && packed_size >= 0 && size >= 0, "null argument or negative size");
    size_t claimed = 0;
    if (packed_size < BLOSC_MIN_HEADER_LENGTH ||
        blosc_cbuffer_validate(packed, static_cast<size_t>(packed_size), &claimed) != 0)
      throw Failure(TVC_BAD_FORMAT, "the bytes are not a whole blosc buffer");
    if (claimed != static_cast<size_t>(size))
      throw Failure(TVC_BAD_FORMAT,
                    "the blosc buffer holds " + std::to_string(claimed) + " bytes instead of " + std::to_string(size));
    const int written = blosc_decompress_ctx(packed, bytes, static_cast<size_t>(size), 1);
    if (written < 0 || written != size) {
      const char *codec = blosc_cbuffer_complib(packed);
      throw Failure(TVC_BAD_FORMAT,
                    std::string("the blosc buffer cannot be unpacked (codec ") + (codec ? codec : "unknown") + ")");
    }
  });
}
