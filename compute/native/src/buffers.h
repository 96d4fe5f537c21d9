// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace teravox {

class Buffers;

// Memory borrowed from a Buffers, given back when it goes. Must not outlive it.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffers *owner, size_t slot, float *data) : owner_(owner), slot_(slot), data_(data) {}
  Buffer(Buffer &&other) noexcept { swap(other); }
  Buffer &operator=(Buffer &&other) noexcept {
    Buffer taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~Buffer();
  float *get() const { return data_; }

 private:
  void swap(Buffer &other) noexcept {
    std::swap(owner_, other.owner_);
    std::swap(slot_, other.slot_);
    std::swap(data_, other.data_);
  }
  Buffers *owner_ = nullptr;
  size_t slot_ = 0;
  float *data_ = nullptr;
};

// Large float arrays that are used again and again. Fresh memory costs a page fault for every 4 KiB, which is a good
// part of a tile's time when its features take a gigabyte. Not for concurrent use.
class Buffers {
 public:
  Buffers() = default;
  Buffers(const Buffers &) = delete;
  Buffers &operator=(const Buffers &) = delete;
  ~Buffers();

  // At least `count` floats, aligned to 64 bytes, with any content. Throws std::bad_alloc.
  Buffer get(size_t count);

  // Frees what the last tile did not use.
  void begin_tile();

 private:
  friend class Buffer;
  struct Slot {
    float *data = nullptr;
    size_t capacity = 0;
    bool lent = false, used = false;
  };
  std::vector<Slot> slots_;
};

}  // namespace teravox
