// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tiffio.h>

#include <cstdint>
#include <string>
#include <vector>

#include "status.h"

namespace tvc {

// What libtiff reads from or writes to: borrowed memory, a file, or a growing vector.
class TiffStream {
 public:
  virtual ~TiffStream() = default;
  virtual tmsize_t Read(void *, tmsize_t) { return -1; }
  virtual tmsize_t Write(const void *, tmsize_t) { return -1; }
  virtual uint64_t Size() const = 0;

  uint64_t Seek(uint64_t offset, int whence);

 protected:
  uint64_t position_ = 0;
};

// A TIFF* with its stream and what libtiff said about it.
class TiffHandle {
 public:
  TiffHandle(TiffStream *stream, const char *mode);
  ~TiffHandle();
  TiffHandle(const TiffHandle &) = delete;
  TiffHandle &operator=(const TiffHandle &) = delete;

  TIFF *get() const { return tiff_; }
  bool has_error() const { return !error_.empty(); }
  const std::string &error() const { return error_; }
  void ClearError() { error_.clear(); }
  // Flushes what is still to be written; false when that failed.
  bool Close();

 private:
  static int OnError(TIFF *, void *self, const char *module, const char *format, va_list arguments);
  static int OnWarning(TIFF *tiff, void *self, const char *module, const char *format, va_list arguments);

  TIFF *tiff_ = nullptr;
  std::string error_;
};

}  // namespace tvc
