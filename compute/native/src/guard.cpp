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

void keep(const char *text) noexcept {
  // One line: libtorch appends a backtrace on further lines.
  size_t length = std::min(std::strcspn(text, "\r\n"), sizeof(last_error) - 1);
  std::memcpy(last_error, text, length);
  last_error[length] = '\0';
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
