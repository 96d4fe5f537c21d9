// SPDX-License-Identifier: Apache-2.0
#include "guard.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cstring>
#include <new>

#ifdef TERAVOX_HAS_ONEDNN
#include <oneapi/dnnl/dnnl.hpp>
#endif

namespace teravox {
namespace {

// A fixed buffer: keeping the text of an out-of-memory error must not allocate.
thread_local char last_error[1024] = "";

// Bytes of the UTF-8 character at `text`, 0 when it is none. Reads no further than the terminating zero.
size_t utf8_length(const unsigned char *text) noexcept {
  size_t length = text[0] < 0x80 ? 1 : text[0] >= 0xc2 && text[0] < 0xe0 ? 2 : (text[0] >> 4) == 0xe ? 3 : 0;
  if (text[0] >= 0xf0 && text[0] < 0xf5) length = 4;
  for (size_t i = 1; i < length; ++i) {
    if ((text[i] & 0xc0) != 0x80) return 0;
  }
  return length;
}

// Keeps one line (libtorch appends a backtrace on further lines) of whole UTF-8 characters: a text may quote names
// from a damaged file, and callers decode it.
void keep(const char *text) noexcept {
  const unsigned char *from = reinterpret_cast<const unsigned char *>(text);
  size_t at = 0;
  while (*from != '\0' && *from != '\n' && *from != '\r') {
    size_t length = utf8_length(from);
    if (at + std::max<size_t>(length, 1) >= sizeof(last_error)) break;
    bool printable = length > 1 || (length == 1 && *from >= 0x20 && *from != 0x7f);
    if (printable) {
      std::memcpy(last_error + at, from, length);
    } else {
      length = 1;
      last_error[at] = '?';
    }
    at += length;
    from += length;
  }
  last_error[at] = '\0';
}

bool tells_of_missing_memory(const char *text) noexcept {
  // libtorch's CPU allocator throws a plain c10::Error; newer CUDA ones throw OutOfMemoryError.
  return std::strstr(text, "out of memory") != nullptr || std::strstr(text, "can't allocate memory") != nullptr ||
         std::strstr(text, "not enough memory") != nullptr;
}

}  // namespace

tvx_status report_current_exception() noexcept {
  try {
    throw;
  } catch (const Error &e) {
    keep(e.what());
    return e.status();
  } catch (const std::bad_alloc &) {
    keep("not enough memory");
    return TVX_NO_MEMORY;
  } catch (const c10::OutOfMemoryError &e) {
    keep(e.what_without_backtrace());
    return TVX_NO_MEMORY;
  } catch (const c10::Error &e) {
    keep(e.what_without_backtrace());
    return tells_of_missing_memory(e.what_without_backtrace()) ? TVX_NO_MEMORY : TVX_INTERNAL;
#ifdef TERAVOX_HAS_ONEDNN
  } catch (const dnnl::error &e) {
    keep(e.what());
    return e.status == dnnl_out_of_memory ? TVX_NO_MEMORY : TVX_INTERNAL;
#endif
  } catch (const std::exception &e) {
    keep(e.what());
    return tells_of_missing_memory(e.what()) ? TVX_NO_MEMORY : TVX_INTERNAL;
  } catch (...) {
    keep("unknown failure inside libteravox");
    return TVX_INTERNAL;
  }
}

}  // namespace teravox

const char *tvx_last_error(void) {
  return teravox::last_error;
}
