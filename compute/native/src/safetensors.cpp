// SPDX-License-Identifier: Apache-2.0
#include "safetensors.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "guard.h"

namespace teravox {
namespace {

// The format's own limit for the header.
constexpr uint64_t kMaxHeader = 100'000'000;

struct DType {
  const char *name;
  at::ScalarType type;
};
constexpr DType kTypes[] = {{"F32", at::kFloat}, {"F64", at::kDouble}, {"F16", at::kHalf},  {"BF16", at::kBFloat16},
                            {"I64", at::kLong},  {"I32", at::kInt},    {"I16", at::kShort}, {"I8", at::kChar},
                            {"U8", at::kByte},   {"BOOL", at::kBool}};

[[noreturn]] void io_error(const std::string &path, const char *what) {
  throw Error(TVX_IO, path + ": " + what + ": " + std::strerror(errno));
}

[[noreturn]] void bad_format(const std::string &path, const std::string &what) {
  throw Error(TVX_BAD_FORMAT, path + ": " + what);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  int get() const { return fd_; }
  bool close() {
    int fd = fd_;
    fd_ = -1;
    return ::close(fd) == 0;
  }

 private:
  int fd_;
};

// A temporary file beside the wanted one, removed unless it was renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string &path) : path_(path), fd_(open_beside(path)) {}
  ~TemporaryFile() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }

  void write(const void *data, size_t size) {
    const char *at = static_cast<const char *>(data);
    while (size > 0) {
      ssize_t written = ::write(fd_.get(), at, size);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) io_error(path_, "cannot be written");
      at += written;
      size -= static_cast<size_t>(written);
    }
  }

  void publish() {
    // Without the first fsync a crash could leave the new name with old or no bytes; without the directory's, the
    // rename itself could be lost after the caller was told that the file is there.
    if (::fsync(fd_.get()) != 0) io_error(path_, "cannot be flushed");
    if (!fd_.close()) io_error(path_, "cannot be closed");
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) io_error(path_, "cannot be renamed into place");
    temporary_.clear();
    size_t slash = path_.rfind('/');
    std::string directory = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
    Descriptor dir(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // Some file systems refuse to flush a directory (EINVAL); there is nothing better to do on them.
    if (dir.get() < 0 || (::fsync(dir.get()) != 0 && errno != EINVAL)) io_error(directory, "cannot be flushed");
  }

 private:
  int open_beside(const std::string &path) {
    static std::atomic<unsigned> counter{0};
    for (int attempt = 0; attempt < 1000; ++attempt) {
      std::string name = path + ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
      int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (fd >= 0) {
        temporary_ = name;
        return fd;
      }
      if (errno != EEXIST) break;
    }
    io_error(path, "cannot be created");
  }

  std::string path_, temporary_;
  Descriptor fd_;
};

const DType *find_type(at::ScalarType type) {
  for (const DType &t : kTypes) {
    if (t.type == type) return &t;
  }
  return nullptr;
}

const DType *find_type(const std::string &name) {
  for (const DType &t : kTypes) {
    if (name == t.name) return &t;
  }
  return nullptr;
}

void read_at(const std::string &path, int fd, void *data, uint64_t size, uint64_t offset) {
  char *at = static_cast<char *>(data);
  while (size > 0) {
    ssize_t got = ::pread(fd, at, std::min<uint64_t>(size, 1u << 30), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) io_error(path, "cannot be read");
    if (got == 0) bad_format(path, "ended while it was read");
    at += got;
    offset += static_cast<uint64_t>(got);
    size -= static_cast<uint64_t>(got);
  }
}

// Parses the header; a key that stands twice would hide a tensor, so it is refused.
nlohmann::json parse_header(const std::string &path, const std::string &text) {
  std::vector<std::set<std::string>> keys;
  std::string twice;
  auto watch = [&](int, nlohmann::json::parse_event_t event, nlohmann::json &value) {
    if (event == nlohmann::json::parse_event_t::object_start) keys.emplace_back();
    if (event == nlohmann::json::parse_event_t::object_end) keys.pop_back();
    if (event == nlohmann::json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second) {
      twice = value.get<std::string>();
    }
    return true;
  };
  nlohmann::json header;
  try {
    header = nlohmann::json::parse(text, watch);
  } catch (const nlohmann::json::exception &e) {
    bad_format(path, std::string("is not a safetensors file, its header is not JSON: ") + e.what());
  }
  if (!header.is_object()) bad_format(path, "is not a safetensors file, its header is not a JSON object");
  if (!twice.empty()) bad_format(path, "key " + twice + " stands twice in the header");
  return header;
}

uint64_t get_unsigned(const std::string &path, const std::string &name, const nlohmann::json &value) {
  if (!value.is_number_unsigned()) bad_format(path, "tensor " + name + " has a size or offset that is not a number");
  return value.get<uint64_t>();
}

struct Entry {
  std::string name;
  const DType *type;
  std::vector<int64_t> shape;
  uint64_t begin, end;
};

Entry parse_entry(const std::string &path, const std::string &name, const nlohmann::json &json) {
  if (!json.is_object() || !json.contains("dtype") || !json.contains("shape") || !json.contains("data_offsets") ||
      !json["dtype"].is_string() || !json["shape"].is_array() || !json["data_offsets"].is_array() ||
      json["data_offsets"].size() != 2) {
    bad_format(path, "tensor " + name + " has no dtype, shape and data_offsets");
  }
  Entry entry;
  entry.name = name;
  entry.type = find_type(json["dtype"].get<std::string>());
  if (entry.type == nullptr) {
    bad_format(path, "tensor " + name + " has the unknown type " + json["dtype"].get<std::string>());
  }
  uint64_t bytes = c10::elementSize(entry.type->type);
  for (const auto &value : json["shape"]) {
    uint64_t size = get_unsigned(path, name, value);
    constexpr uint64_t kLimit = std::numeric_limits<int64_t>::max();
    if (size > kLimit || (size != 0 && bytes > kLimit / size)) bad_format(path, "tensor " + name + " is too large");
    bytes *= size;
    entry.shape.push_back(static_cast<int64_t>(size));
  }
  entry.begin = get_unsigned(path, name, json["data_offsets"][0]);
  entry.end = get_unsigned(path, name, json["data_offsets"][1]);
  if (entry.end < entry.begin || entry.end - entry.begin != bytes) {
    bad_format(path, "tensor " + name + " has offsets that do not fit its shape");
  }
  return entry;
}

}  // namespace

void write_safetensors(const std::string &path, const NamedTensors &tensors,
                       const std::map<std::string, std::string> &metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t offset = 0;
  for (const auto &[name, tensor] : tensors) {
    const DType *type = find_type(tensor.scalar_type());
    if (type == nullptr || name == "__metadata__" || header.contains(name)) {
      throw Error(TVX_INTERNAL, "tensor " + name + " cannot stand in a safetensors file");
    }
    uint64_t bytes = tensor.nbytes();
    header[name] = {{"dtype", type->name}, {"shape", tensor.sizes().vec()}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception &) {
    throw Error(TVX_BAD_ARGUMENT, path + ": a name or the metadata is not valid UTF-8");
  }
  // Tensors then start at a multiple of 8 in the file, as readers that map it expect.
  text.append((8 - text.size() % 8) % 8, ' ');
  if (text.size() > kMaxHeader) throw Error(TVX_BAD_ARGUMENT, path + ": the metadata is larger than 100 MB");

  TemporaryFile file(path);
  uint64_t length = text.size();
  unsigned char prefix[8];
  for (int i = 0; i < 8; ++i) prefix[i] = static_cast<unsigned char>(length >> (8 * i));
  file.write(prefix, sizeof(prefix));
  file.write(text.data(), text.size());
  for (const auto &item : tensors) {
    at::Tensor plain = item.second.detach().to(at::kCPU).contiguous();
    file.write(plain.data_ptr(), plain.nbytes());
  }
  file.publish();
}

SafetensorsFile read_safetensors(const std::string &path) {
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) io_error(path, "cannot be opened");
  struct stat info;
  if (::fstat(fd.get(), &info) != 0) io_error(path, "cannot be read");
  if (!S_ISREG(info.st_mode)) throw Error(TVX_IO, path + ": is not a regular file");
  uint64_t size = static_cast<uint64_t>(info.st_size);
  if (size < 8) bad_format(path, "is not a safetensors file, it has fewer than 8 bytes");

  unsigned char prefix[8];
  read_at(path, fd.get(), prefix, sizeof(prefix), 0);
  uint64_t length = 0;
  for (int i = 0; i < 8; ++i) length |= static_cast<uint64_t>(prefix[i]) << (8 * i);
  if (length > kMaxHeader || length > size - 8) {
    bad_format(path,
               "is truncated or not a safetensors file: its header would be " + std::to_string(length) + " bytes long");
  }
  std::string text(length, '\0');
  read_at(path, fd.get(), text.data(), length, 8);
  nlohmann::json header = parse_header(path, text);

  SafetensorsFile file;
  std::vector<Entry> entries;
  for (auto &[name, value] : header.items()) {
    if (name == "__metadata__") {
      if (!value.is_object()) bad_format(path, "__metadata__ is not a JSON object");
      for (auto &[key, text_value] : value.items()) {
        if (!text_value.is_string()) bad_format(path, "__metadata__ holds something other than text");
        file.metadata[key] = text_value.get<std::string>();
      }
    } else {
      entries.push_back(parse_entry(path, name, value));
    }
  }
  std::sort(entries.begin(), entries.end(), [](const Entry &a, const Entry &b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end != b.end ? a.end < b.end : a.name < b.name;
  });
  uint64_t expected = 0;
  for (const Entry &entry : entries) {
    if (entry.begin != expected) bad_format(path, "tensor " + entry.name + " overlaps another or leaves a hole");
    expected = entry.end;
  }
  if (expected != size - 8 - length) {
    bad_format(path, "is truncated or has bytes too many: " + std::to_string(size - 8 - length) +
                         " bytes of tensors where its header tells of " + std::to_string(expected));
  }
  for (const Entry &entry : entries) {
    at::Tensor tensor = at::empty(entry.shape, entry.type->type);
    read_at(path, fd.get(), tensor.data_ptr(), entry.end - entry.begin, 8 + length + entry.begin);
    file.tensors.emplace_back(entry.name, tensor);
  }
  return file;
}

}  // namespace teravox
