// SPDX-License-Identifier: Apache-2.0
//
// The one way errors travel: code inside throws Error (or lets libtorch throw), every entry of the C interface
// runs its body in guard(), which turns whatever is thrown into a status and this thread's error text.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include "teravox.h"

namespace teravox {

// A failure with the status that the caller is to see and one line of text.
class Error : public std::exception {
 public:
  Error(tvx_status status, std::string text) : status_(status), text_(std::move(text)) {}
  tvx_status status() const noexcept { return status_; }
  const char *what() const noexcept override { return text_.c_str(); }

 private:
  tvx_status status_;
  std::string text_;
};

// Maps the exception in flight to a status and keeps its text for tvx_last_error. Call inside a catch block only.
tvx_status report_current_exception() noexcept;

// Throws TVX_BAD_ARGUMENT naming the argument when the pointer is null.
inline void require(const void *pointer, const char *argument) {
  if (pointer == nullptr) throw Error(TVX_BAD_ARGUMENT, std::string(argument) + " must not be null");
}

// Runs the body of an entry: TVX_OK, or the status of what it threw.
template <typename Body>
tvx_status guard(Body &&body) noexcept {
  try {
    body();
    return TVX_OK;
  } catch (...) {
    return report_current_exception();
  }
}

// Throws TVX_ABORTED when the caller's abort callback asks for it. Callbacks may be null.
inline void poll_abort(const tvx_callbacks *callbacks) {
  if (callbacks != nullptr && callbacks->abort != nullptr && callbacks->abort(callbacks->user) != 0) {
    throw Error(TVX_ABORTED, "stopped by the caller");
  }
}

// Tells the caller how far the call is (0..1). Callbacks may be null.
inline void report_progress(const tvx_callbacks *callbacks, double fraction) {
  if (callbacks != nullptr && callbacks->progress != nullptr) callbacks->progress(fraction, callbacks->user);
}

}  // namespace teravox
