// SPDX-License-Identifier: Apache-2.0
#include "unpickle.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "guard.h"

namespace teravox {
namespace {

[[noreturn]] void refuse(const std::string &text) {
  throw Error(TVX_BAD_FORMAT, text);
}

[[noreturn]] void damaged() {
  refuse("its pickle is damaged");
}

bool one_of(const std::string &name, std::initializer_list<const char *> names) {
  return std::any_of(names.begin(), names.end(), [&](const char *n) { return name == n; });
}

bool is_storage_class(const std::string &name) {
  return name.size() > 13 && name.rfind("torch.", 0) == 0 && name.find('.', 6) == std::string::npos &&
         name.compare(name.size() - 7, 7, "Storage") == 0;
}

}  // namespace

const PickleValue *PickleValue::find(const std::string &key) const {
  if (kind != kDict) return nullptr;
  const PickleValue *found = nullptr;  // as in Python, the last of equal keys counts
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i]->kind == kText && items[i]->text == key) found = items[i + 1];
  }
  return found;
}

class Unpickler {
 public:
  Unpickler(const std::string &bytes, std::deque<PickleValue> &values)
      : at_(reinterpret_cast<const unsigned char *>(bytes.data())), end_(at_ + bytes.size()), values_(values) {}

  const PickleValue *run() {
    for (;;) {
      unsigned char op = byte();
      if (op == '.') return pop();
      step(op);
    }
  }

 private:
  using Value = PickleValue;

  void step(unsigned char op) {
    switch (op) {
      case 0x80:  // PROTO
        if (byte() > 5) refuse("its pickle is of a newer protocol");
        return;
      case 0x95:  // FRAME
        take(8);
        return;
      case '(':
        marks_.push_back(stack_.size());
        return;
      case '0':
        pop();
        return;
      case '2':
        push(top());
        return;
      // Constants
      case 'N':
        push(make(Value::kNone));
        return;
      case 0x88:
      case 0x89:
        push_integer(Value::kBool, op == 0x88);
        return;
      case 'K':
        push_integer(Value::kInt, static_cast<int64_t>(number(1)));
        return;
      case 'M':
        push_integer(Value::kInt, static_cast<int64_t>(number(2)));
        return;
      case 'J':
        push_integer(Value::kInt, static_cast<int32_t>(number(4)));
        return;
      case 0x8a:  // LONG1
        push_long(number(1));
        return;
      case 'G':  // a float, 8 bytes big-endian
        take(8);
        push(make(Value::kFloat));
        return;
      case 'X':
        push_text(number(4));
        return;
      case 0x8c:
        push_text(number(1));
        return;
      case 0x8d:
        push_text(number(8));
        return;
      case 'U':
      case 'C':  // short strings and bytes: the payload of numpy scalars
        take(number(1));
        push(make(Value::kOpaque));
        return;
      case 'T':
      case 'B':
        take(number(4));
        push(make(Value::kOpaque));
        return;
      // Containers
      case '}':
        push(make(Value::kDict));
        return;
      case ']':
        push(make(Value::kList));
        return;
      case ')':
        push(make(Value::kTuple));
        return;
      case 0x85:
      case 0x86:
      case 0x87:
        push_tuple(last(op - 0x84u));
        return;
      case 't':
        push_tuple(mark());
        return;
      case 'a':
        append(last(1));
        return;
      case 'e':
        append(mark());
        return;
      case 's':
        set_items(last(2));
        return;
      case 'u':
        set_items(mark());
        return;
      // Memory
      case 'q':
        memo_[number(1)] = top();
        return;
      case 'r':
        memo_[number(4)] = top();
        return;
      case 0x94:
        memo_.emplace(memo_.size(), top());
        return;
      case 'h':
        recall(number(1));
        return;
      case 'j':
        recall(number(4));
        return;
      // Objects
      case 'c': {
        std::string module = line();
        push_global(module + "." + line());
        return;
      }
      case 0x93: {  // STACK_GLOBAL
        const Value *name = pop(), *module = pop();
        if (name->kind != Value::kText || module->kind != Value::kText) damaged();
        push_global(module->text + "." + name->text);
        return;
      }
      case 'Q':
        push_storage(pop());
        return;
      case 'R':
      case 0x81: {  // NEWOBJ builds like REDUCE here
        Value *arguments = pop(), *callable = pop();
        call(*callable, *arguments);
        return;
      }
      case 'b':
        // The state of an OrderedDict (its _metadata) or of a numpy type: of no interest.
        pop();
        if (top()->kind != Value::kDict && top()->kind != Value::kOpaque) damaged();
        return;
      default:
        refuse("its pickle uses instruction " + std::to_string(op) +
               "; only plain containers, numbers, strings and tensors are read");
    }
  }

  unsigned char byte() { return *take(1); }

  const unsigned char *take(uint64_t count) {
    if (count > static_cast<uint64_t>(end_ - at_)) refuse("its pickle is truncated");
    const unsigned char *from = at_;
    at_ += count;
    return from;
  }

  uint64_t number(int bytes) {
    const unsigned char *from = take(static_cast<uint64_t>(bytes));
    uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) value |= static_cast<uint64_t>(from[i]) << (8 * i);
    return value;
  }

  std::string line() {
    const void *newline = std::memchr(at_, '\n', static_cast<size_t>(end_ - at_));
    if (newline == nullptr) refuse("its pickle is truncated");
    const unsigned char *from = at_;
    at_ = static_cast<const unsigned char *>(newline) + 1;
    return std::string(from, static_cast<const unsigned char *>(newline));
  }

  Value *make(Value::Kind kind) {
    values_.emplace_back();
    values_.back().kind = kind;
    return &values_.back();
  }
  void push(Value *value) { stack_.push_back(value); }
  Value *top() {
    if (stack_.empty() || (!marks_.empty() && marks_.back() == stack_.size())) damaged();
    return stack_.back();
  }
  Value *pop() {
    Value *value = top();
    stack_.pop_back();
    return value;
  }
  size_t mark() {
    if (marks_.empty()) damaged();
    size_t from = marks_.back();
    marks_.pop_back();
    return from;
  }

  void push_integer(Value::Kind kind, int64_t integer) {
    Value *value = make(kind);
    value->integer = integer;
    push(value);
  }

  void push_long(uint64_t bytes) {
    if (bytes > 8) {  // no size or offset needs it; a seed may
      take(bytes);
      push(make(Value::kOpaque));
      return;
    }
    uint64_t value = number(static_cast<int>(bytes));
    if (bytes > 0 && bytes < 8 && (value >> (8 * bytes - 1)) != 0) value |= ~uint64_t{0} << (8 * bytes);
    push_integer(Value::kInt, static_cast<int64_t>(value));
  }

  void push_text(uint64_t bytes) {
    const unsigned char *from = take(bytes);
    Value *value = make(Value::kText);
    value->text.assign(from, from + bytes);
    push(value);
  }

  // Moves the values from `from` on off the stack.
  std::vector<Value *> cut(size_t from) {
    if (from > stack_.size() || (!marks_.empty() && marks_.back() > from)) damaged();
    std::vector<Value *> values(stack_.begin() + static_cast<int64_t>(from), stack_.end());
    stack_.resize(from);
    return values;
  }

  // Where the last `count` values of the stack begin.
  size_t last(size_t count) {
    if (stack_.size() < count) damaged();
    return stack_.size() - count;
  }

  void push_tuple(size_t from) {
    std::vector<Value *> items = cut(from);
    Value *tuple = make(Value::kTuple);
    tuple->items = std::move(items);
    push(tuple);
  }

  void append(size_t from) {
    std::vector<Value *> items = cut(from);
    Value *list = top();
    if (list->kind != Value::kList) damaged();
    list->items.insert(list->items.end(), items.begin(), items.end());
  }

  void set_items(size_t from) {
    std::vector<Value *> items = cut(from);
    Value *dict = top();
    if (dict->kind != Value::kDict || items.size() % 2 != 0) damaged();
    dict->items.insert(dict->items.end(), items.begin(), items.end());
  }

  void recall(uint64_t key) {
    auto found = memo_.find(key);
    if (found == memo_.end()) damaged();
    push(found->second);
  }

  void push_global(const std::string &name) {
    bool known =
        is_storage_class(name) || one_of(name, {"collections.OrderedDict", "torch._utils._rebuild_tensor_v2",
                                                "torch.Size", "numpy.core.multiarray.scalar",
                                                "numpy._core.multiarray.scalar", "numpy.dtype", "_codecs.encode"});
    if (!known) {
      refuse("it holds " + name + ", and only plain containers, numbers, strings and tensors are read; save the " +
             "network's state_dict() in PyTorch and import that");
    }
    Value *value = make(Value::kGlobal);
    value->text = name;
    push(value);
  }

  // torch.save's reference to a storage: ("storage", class, key, device, count of elements).
  void push_storage(const Value *id) {
    if (id->kind != Value::kTuple || id->items.size() != 5 || id->items[0]->text != "storage" ||
        id->items[1]->kind != Value::kGlobal || !is_storage_class(id->items[1]->text) ||
        id->items[2]->kind != Value::kText || id->items[4]->kind != Value::kInt || id->items[4]->integer < 0) {
      damaged();
    }
    Value *storage = make(Value::kStorage);
    storage->text = id->items[2]->text;
    storage->type = id->items[1]->text;
    storage->numbers = {id->items[4]->integer};
    push(storage);
  }

  void call(const Value &callable, const Value &arguments) {
    if (callable.kind != Value::kGlobal || arguments.kind != Value::kTuple) damaged();
    if (callable.text == "collections.OrderedDict") {
      // Python 2 and early 3 pass the entries as a list of pairs.
      Value *dict = make(Value::kDict);
      if (!arguments.items.empty()) {
        for (const Value *pair : arguments.items[0]->items) {
          if (pair->items.size() != 2) damaged();
          dict->items.insert(dict->items.end(), pair->items.begin(), pair->items.end());
        }
      }
      push(dict);
    } else if (callable.text == "torch._utils._rebuild_tensor_v2") {
      push_tensor(arguments);
    } else if (is_storage_class(callable.text)) {
      damaged();
    } else {
      push(make(Value::kOpaque));
    }
  }

  // (storage, offset, sizes, strides, requires_grad, hooks, ...)
  void push_tensor(const Value &arguments) {
    const auto &a = arguments.items;
    if (a.size() < 4 || a[0]->kind != Value::kStorage || a[1]->kind != Value::kInt || a[2]->kind != Value::kTuple ||
        a[3]->kind != Value::kTuple || a[2]->items.size() != a[3]->items.size() || a[2]->items.size() > 16) {
      damaged();
    }
    Value *tensor = make(Value::kTensor);
    tensor->items = {a[0]};
    tensor->numbers = {a[1]->integer, static_cast<int64_t>(a[2]->items.size())};
    for (const Value *list : {a[2], a[3]}) {
      for (const Value *n : list->items) {
        if (n->kind != Value::kInt) damaged();
        tensor->numbers.push_back(n->integer);
      }
    }
    push(tensor);
  }

  const unsigned char *at_, *end_;
  std::deque<PickleValue> &values_;
  std::vector<Value *> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, Value *> memo_;
};

Pickle::Pickle(const std::string &bytes) {
  root_ = Unpickler(bytes, values_).run();
}

}  // namespace teravox
