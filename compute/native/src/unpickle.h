// SPDX-License-Identifier: Apache-2.0
//
// A reader for the pickles inside torch.save's files that can do nothing but build plain values. Pickles are programs;
// this one knows the few instructions that containers, numbers, strings and tensors need and refuses the rest.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace teravox {

struct PickleValue {
  enum Kind {
    kNone,
    kBool,
    kInt,
    kFloat,
    kText,
    kTuple,
    kList,
    kDict,
    kStorage,  // text: the storage's key in the file; type: its class; numbers: {count of elements}
    kTensor,   // items[0]: the storage; numbers: {offset, rank, sizes..., strides...}
    kGlobal,   // text: module.name, one of the few that are known
    kOpaque    // something harmless that is of no interest, such as a numpy scalar
  };
  Kind kind = kNone;
  int64_t integer = 0;
  std::string text, type;
  std::vector<int64_t> numbers;
  std::vector<PickleValue *> items;  // of a tuple or list; of a dict: key, value, key, value ...

  // The value of a dict's entry, or null.
  const PickleValue *find(const std::string &key) const;
};

// The values of one pickle, which own each other's memory flatly: nesting of any depth and loops do no harm.
class Pickle {
 public:
  // Throws TVX_BAD_FORMAT (text without the file's name) when the bytes are damaged or ask for anything else.
  explicit Pickle(const std::string &bytes);
  const PickleValue &root() const { return *root_; }

 private:
  std::deque<PickleValue> values_;
  const PickleValue *root_ = nullptr;
};

}  // namespace teravox
