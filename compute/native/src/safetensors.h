// SPDX-License-Identifier: Apache-2.0
//
// The safetensors container: 8 bytes little-endian header length, a JSON header, the tensors' bytes.
#pragma once

#include <map>
#include <string>

#include "unet.h"

namespace teravox {

struct SafetensorsFile {
  NamedTensors tensors;  // in the order of their bytes; contiguous, on the CPU
  std::map<std::string, std::string> metadata;
};

// Writes the tensors (any device, any layout) in the given order. The file appears whole or not at all: temporary
// file in the same directory, fsync, rename, fsync of the directory. The same arguments give the same bytes.
// Throws TVX_IO naming the file; the temporary file is removed then.
void write_safetensors(const std::string &path, const NamedTensors &tensors,
                       const std::map<std::string, std::string> &metadata);

// Reads a whole file. Trusts no number in it. Throws TVX_IO when it cannot be read, TVX_BAD_FORMAT when it is
// truncated, damaged or not safetensors.
SafetensorsFile read_safetensors(const std::string &path);

}  // namespace teravox
