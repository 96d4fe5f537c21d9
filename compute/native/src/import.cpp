// SPDX-License-Identifier: Apache-2.0
#include "import.h"

#include <caffe2/serialize/inline_container.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <limits>
#include <set>
#include <unordered_map>

#include "arch.h"
#include "guard.h"
#include "unpickle.h"

namespace teravox {
namespace {

// The pickle of a state dict of a thousand tensors takes about 100 KB.
constexpr size_t kMaxPickle = 16 << 20;

const std::string kModule = "module.";

[[noreturn]] void bad_format(const std::string &text) {
  throw Error(TVX_BAD_FORMAT, text);
}

[[noreturn]] void mismatch(const std::string &text) {
  throw Error(TVX_MISMATCH, text);
}

// torch.save's file: a zip with data.pkl and one record for every storage.
class Archive {
 public:
  explicit Archive(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    char magic[4] = {};
    if (!file || !file.read(magic, sizeof(magic))) {
      if (file.eof()) bad_format("is not a PyTorch checkpoint, it has fewer than 4 bytes");
      throw Error(TVX_IO, std::string("cannot be opened: ") + std::strerror(errno));
    }
    if (magic[0] == '\x80') {
      bad_format("was saved in PyTorch's old format (before 1.6); load it in PyTorch and torch.save it again");
    }
    if (std::memcmp(magic, "PK\3\4", 4) != 0) bad_format("is not a PyTorch checkpoint");
    try {
      reader_ = std::make_unique<caffe2::serialize::PyTorchStreamReader>(path);
    } catch (const c10::Error &e) {
      bad_format("is a damaged checkpoint: " + first_line(e));
    }
    if (reader_->hasRecord("byteorder") && record("byteorder") != "little") {
      bad_format("was saved on a big-endian machine, which is not read");
    }
  }

  std::string record(const std::string &name) {
    try {
      if (!reader_->hasRecord(name)) bad_format("is not a PyTorch checkpoint, it has no " + name);
      auto [data, size] = reader_->getRecord(name);
      return std::string(static_cast<const char *>(data.get()), size);
    } catch (const c10::Error &e) {
      bad_format("is a damaged checkpoint, " + name + " cannot be read: " + first_line(e));
    }
  }

 private:
  static std::string first_line(const c10::Error &e) {
    std::string text = e.what_without_backtrace();
    return text.substr(0, text.find('\n'));
  }

  std::unique_ptr<caffe2::serialize::PyTorchStreamReader> reader_;
};

at::ScalarType storage_type(const std::string &name) {
  static const std::unordered_map<std::string, at::ScalarType> types = {
      {"torch.FloatStorage", at::kFloat},       {"torch.DoubleStorage", at::kDouble}, {"torch.HalfStorage", at::kHalf},
      {"torch.BFloat16Storage", at::kBFloat16}, {"torch.LongStorage", at::kLong},     {"torch.IntStorage", at::kInt}};
  auto found = types.find(name);
  if (found == types.end()) bad_format("holds a tensor of the unknown type " + name);
  return found->second;
}

// Builds a tensor of the checkpoint as a network's file holds it: contiguous, float32 or int64.
at::Tensor materialise(Archive &archive, const std::string &name, const PickleValue &value) {
  const PickleValue &storage = *value.items[0];
  at::ScalarType type = storage_type(storage.type);
  uint64_t elements = static_cast<uint64_t>(storage.numbers[0]);
  int64_t offset = value.numbers[0];
  size_t rank = static_cast<size_t>(value.numbers[1]);
  std::vector<int64_t> sizes(value.numbers.begin() + 2, value.numbers.begin() + 2 + static_cast<int64_t>(rank));
  std::vector<int64_t> strides(value.numbers.begin() + 2 + static_cast<int64_t>(rank), value.numbers.end());

  // The farthest element must lie in the storage; every step of the sum is checked against it.
  if (offset < 0) bad_format("tensor " + name + " lies outside its storage");
  uint64_t farthest = static_cast<uint64_t>(offset), count = 1;
  for (size_t i = 0; i < rank; ++i) {
    if (sizes[i] < 1 || strides[i] < 0) bad_format("tensor " + name + " has a size or stride that makes no sense");
    uint64_t size = static_cast<uint64_t>(sizes[i]), stride = static_cast<uint64_t>(strides[i]);
    if (size > elements || (size > 1 && stride > elements / (size - 1))) {
      bad_format("tensor " + name + " lies outside its storage");
    }
    farthest += (size - 1) * stride;
    count *= size;
    // A network's tensors are never repeated views, which could blow a small file up to any size.
    if (farthest >= elements || count > elements) bad_format("tensor " + name + " lies outside its storage");
  }
  if (farthest >= elements) bad_format("tensor " + name + " lies outside its storage");

  std::string bytes = archive.record("data/" + storage.text);
  if (bytes.size() / c10::elementSize(type) != elements || bytes.size() % c10::elementSize(type) != 0) {
    bad_format("tensor " + name + " has a storage of the wrong length");
  }
  at::Tensor flat = at::empty({static_cast<int64_t>(elements)}, type);
  std::memcpy(flat.data_ptr(), bytes.data(), bytes.size());
  at::Tensor view = flat.as_strided(sizes, strides, offset);
  return view.to(at::isFloatingType(type) ? at::kFloat : at::kLong, false, true).contiguous();
}

// The dict of tensors: the trainer's "model_state_dict", the usual "state_dict", or the file itself.
const PickleValue &state_dict_of(const PickleValue &root) {
  if (root.kind != PickleValue::kDict) bad_format("holds no dict, so no checkpoint");
  for (const char *key : {"model_state_dict", "state_dict", "model"}) {
    const PickleValue *inner = root.find(key);
    if (inner != nullptr && inner->kind == PickleValue::kDict) return *inner;
  }
  return root;
}

NamedTensors read_tensors(Archive &archive) {
  std::string bytes = archive.record("data.pkl");
  if (bytes.size() > kMaxPickle) bad_format("has an index of more than 16 MB, so it is no checkpoint of a network");
  Pickle pickle(bytes);
  const PickleValue &dict = state_dict_of(pickle.root());
  NamedTensors tensors;
  std::set<std::string> names;
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickleValue &key = *dict.items[i], &value = *dict.items[i + 1];
    if (key.kind != PickleValue::kText || value.kind != PickleValue::kTensor) continue;
    std::string name = key.text.rfind(kModule, 0) == 0 ? key.text.substr(kModule.size()) : key.text;
    if (!names.insert(name).second) bad_format("has tensor " + name + " twice");
    tensors.emplace_back(name, materialise(archive, name, value));
  }
  if (tensors.empty()) mismatch("holds no network: no tensors stand under model_state_dict or at the top");
  return tensors;
}

void check_pool(const int32_t (*pool)[3], int levels) {
  for (int level = 0; level < levels - 1; ++level) {
    for (int axis = 0; axis < 3; ++axis) {
      if (pool[level][axis] < 1 || pool[level][axis] > 4) {
        throw Error(TVX_BAD_ARGUMENT, "pool[" + std::to_string(level) + "] holds " + std::to_string(pool[level][axis]) +
                                          ", but a pool factor must be 1..4");
      }
    }
  }
}

// The architecture that names and shapes tell. What they contradict, match_tensors finds afterwards.
tvx_arch recognise(const NamedTensors &tensors, const int32_t (*pool)[3]) {
  std::unordered_map<std::string, at::Tensor> by_name(tensors.begin(), tensors.end());
  auto has = [&](const std::string &name) { return by_name.count(name) != 0; };
  auto get = [&](const std::string &name, int64_t rank) {
    auto found = by_name.find(name);
    if (found == by_name.end()) mismatch("is not a 3D U-Net of pytorch-3dunet: tensor " + name + " is missing");
    if (found->second.dim() != rank)
      mismatch("tensor " + name + " does not have " + std::to_string(rank) + " dimensions");
    return found->second;
  };
  auto small = [](int64_t size) {
    return static_cast<int32_t>(std::min<int64_t>(size, std::numeric_limits<int32_t>::max()));
  };

  tvx_arch arch;
  tvx_arch_defaults(&arch);
  at::Tensor last = get("final_conv.weight", 5);
  arch.out_channels = small(last.size(0));
  arch.f_maps = small(last.size(1));
  std::string first = "encoders.0.basic_module.";
  arch.residual = has(first + "conv2.conv.weight") ? 1 : 0;
  auto level_exists = [&](int level) {
    std::string prefix = "encoders." + std::to_string(level) + ".basic_module.";
    return has(prefix + (arch.residual != 0 ? "conv2.conv.weight" : "SingleConv1.conv.weight"));
  };
  arch.levels = 0;
  while (arch.levels <= TVX_MAX_LEVELS && level_exists(arch.levels)) ++arch.levels;
  if (arch.levels < 2 || arch.levels > TVX_MAX_LEVELS) {
    mismatch("is not a 3D U-Net of pytorch-3dunet with 2 to " + std::to_string(TVX_MAX_LEVELS) + " levels");
  }

  std::string single = first + (arch.residual != 0 ? "conv2" : "SingleConv1");
  at::Tensor conv = get(single + ".conv.weight", 5);
  bool group = has(single + ".groupnorm.weight"), batch = has(single + ".batchnorm.weight");
  if (group == batch) mismatch("has layers that are neither in the order gcr nor cbr, and only those are read");
  arch.order = group ? TVX_ORDER_GCR : TVX_ORDER_CBR;
  int64_t normed = get(single + (group ? ".groupnorm.weight" : ".batchnorm.weight"), 1).size(0);
  // For a residual block both are the same number, and the order of its layers cannot be told from its tensors.
  if (arch.residual == 0 && normed != conv.size(group ? 1 : 0)) {
    mismatch(group ? "has group norm behind its convolutions; only the orders gcr and cbr are read"
                   : "has batch norm before its convolutions; only the orders gcr and cbr are read");
  }
  if (arch.residual == 0) {
    arch.in_channels = small(conv.size(1));
  } else if (has(first + "conv1.weight")) {
    arch.in_channels = small(get(first + "conv1.weight", 5).size(1));
  }
  if (arch.in_channels != 1) {
    mismatch("reads " + std::to_string(arch.in_channels) +
             " channels; only networks for one grey channel are used here");
  }
  if (pool != nullptr) {
    check_pool(pool, arch.levels);
    for (int level = 0; level < arch.levels - 1; ++level) std::copy_n(pool[level], 3, arch.pool[level]);
  }

  const std::string transposed = ".upsampling.upsample.conv_transposed.weight";
  if (has("decoders.0" + transposed)) {
    bool as_pool = true;
    for (int j = 0; j < arch.levels - 1; ++j) {
      at::Tensor kernel = get("decoders." + std::to_string(j) + transposed, 5);
      Triple factors = pool_factors(arch, arch.levels - 2 - j);
      as_pool = as_pool && kernel.sizes().slice(2) == at::IntArrayRef(factors);
    }
    arch.upsample = as_pool ? TVX_UPSAMPLE_TRANSPOSED : TVX_UPSAMPLE_TRANSPOSED3;
  }
  try {
    validate(arch);
  } catch (const Error &e) {
    mismatch(std::string("has an architecture that is not supported: ") + e.what());
  }
  return arch;
}

}  // namespace

tvx_model import_checkpoint(const std::string &path, const int32_t (*pool)[3]) {
  try {
    Archive archive(path);
    NamedTensors tensors = read_tensors(archive);
    tvx_arch arch = recognise(tensors, pool);
    return tvx_model{arch, match_tensors(arch, tensors), ""};
  } catch (const Error &e) {
    throw Error(e.status(), path + ": " + e.what());
  }
}

}  // namespace teravox

tvx_status tvx_model_import(const char *path, const int32_t (*pool)[3], tvx_model **model) {
  return teravox::guard([&] {
    teravox::require(path, "path");
    teravox::require(model, "model");
    *model = new tvx_model(teravox::import_checkpoint(path, pool));
  });
}
