// SPDX-License-Identifier: Apache-2.0
#include "buffers.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>
#include <utility>

namespace teravox {

Buffer::~Buffer() {
  if (owner_ != nullptr) owner_->slots_[slot_].lent = false;
}

Buffers::~Buffers() {
  for (Slot &slot : slots_) std::free(slot.data);
}

Buffer Buffers::get(size_t count) {
  size_t best = slots_.size(), unused = slots_.size();
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Slot &slot = slots_[i];
    if (slot.data == nullptr) unused = i;
    // A slot more than twice too large is left for what needs it.
    if (slot.lent || slot.data == nullptr || slot.capacity < count || slot.capacity / 2 > count) continue;
    if (best == slots_.size() || slot.capacity < slots_[best].capacity) best = i;
  }
  if (best == slots_.size()) {
    best = unused;
    if (best == slots_.size()) slots_.emplace_back();
    constexpr size_t kHugePage = size_t{1} << 21;
    size_t bytes = count * sizeof(float), alignment = bytes >= kHugePage ? kHugePage : 64;
    void *data = nullptr;
    if (::posix_memalign(&data, alignment, bytes == 0 ? 64 : bytes) != 0) throw std::bad_alloc();
    if (alignment == kHugePage) ::madvise(data, bytes, MADV_HUGEPAGE);  // a hint; without it all still works
    slots_[best] = {static_cast<float *>(data), count, false, false};
  }
  slots_[best].lent = slots_[best].used = true;
  return Buffer(this, best, slots_[best].data);
}

void Buffers::begin_tile() {
  for (Slot &slot : slots_) {
    if (slot.lent) continue;
    if (!slot.used) {
      std::free(slot.data);
      slot = {};
    }
    slot.used = false;
  }
}

}  // namespace teravox
