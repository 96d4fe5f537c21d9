// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "check.h"
#include "guard.h"
#include "safetensors.h"

using namespace teravox;
namespace fs = std::filesystem;

namespace {

struct Directory {
  fs::path path;
  Directory() {
    char name[] = "/tmp/teravox-safetensors-XXXXXX";
    path = mkdtemp(name);
  }
  ~Directory() { fs::remove_all(path); }
  std::string file(const char *name) const { return (path / name).string(); }
};

std::string slurp(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void spill(const std::string &path, const std::string &bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

std::string with_header(const std::string &header, const std::string &data) {
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(static_cast<uint64_t>(header.size()) >> (8 * i));
  return bytes + header + data;
}

tvx_status read_status(const std::string &path) {
  return guard([&] { read_safetensors(path); });
}

NamedTensors some_tensors() {
  return {{"b", at::arange(24, at::kFloat).reshape({2, 3, 4})},
          {"a", at::tensor(int64_t{42})},
          {"empty", at::zeros({0, 3})},
          {"bytes", at::arange(5, at::kByte)}};
}

}  // namespace

TEST(Safetensors_WhenWrittenAndRead_IsTheSame) {
  Directory dir;
  std::map<std::string, std::string> metadata = {{"z", "line\nquote\" \xc3\xa9"}, {"a", ""}};
  write_safetensors(dir.file("m"), some_tensors(), metadata);
  SafetensorsFile file = read_safetensors(dir.file("m"));
  CHECK(file.metadata == metadata);
  CHECK_EQUAL(file.tensors.size(), 4u);
  for (auto &[name, tensor] : some_tensors()) {
    bool found = false;
    for (auto &[other, value] : file.tensors) found |= other == name && value.equal(tensor);
    CHECK(found);
  }
  std::string first = slurp(dir.file("m"));
  write_safetensors(dir.file("m"), some_tensors(), metadata);  // over the old one
  CHECK(slurp(dir.file("m")) == first);
  CHECK_EQUAL(std::distance(fs::directory_iterator(dir.path), {}), 1);
  CHECK_EQUAL(static_cast<unsigned char>(first[0]) % 8, 0);
}

TEST(Safetensors_WhenNotContiguous_WritesLogicalOrder) {
  Directory dir;
  at::Tensor t = at::arange(6, at::kFloat).reshape({2, 3}).t();
  write_safetensors(dir.file("m"), {{"t", t}}, {});
  CHECK(read_safetensors(dir.file("m")).tensors[0].second.equal(t));
}

TEST(Safetensors_WhenCutAnywhere_IsRefused) {
  Directory dir;
  write_safetensors(dir.file("m"), some_tensors(), {{"k", "v"}});
  std::string whole = slurp(dir.file("m"));
  for (size_t length = 0; length < whole.size(); ++length) {
    spill(dir.file("cut"), whole.substr(0, length));
    CHECK_EQUAL(read_status(dir.file("cut")), TVX_BAD_FORMAT);
  }
  spill(dir.file("cut"), whole + "x");
  CHECK_EQUAL(read_status(dir.file("cut")), TVX_BAD_FORMAT);
  CHECK(std::string(tvx_last_error()).find(dir.file("cut")) != std::string::npos);
}

TEST(Safetensors_WhenAHeaderByteIsDamaged_NeverCrashes) {
  Directory dir;
  write_safetensors(dir.file("m"), some_tensors(), {{"k", "v"}});
  std::string whole = slurp(dir.file("m"));
  size_t header = whole.size() - (24 * 4 + 8 + 5);
  for (size_t at = 0; at < header; ++at) {
    for (unsigned char flip : {0x01, 0x80, 0x10}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      spill(dir.file("bad"), damaged);
      tvx_status status = read_status(dir.file("bad"));  // a changed name or text may still be a sound file
      CHECK(status == TVX_OK || status == TVX_BAD_FORMAT);
    }
  }
}

TEST(Safetensors_WhenTheHeaderLies_IsRefused) {
  Directory dir;
  const char *headers[] = {
      R"([])",
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})",
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
      R"({"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})",
      R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})",
      R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})",
      R"({"a":{"dtype":"F32","shape":[4611686018427387906],"data_offsets":[0,8]}})",
      R"({"a":{"dtype":"F32","shape":[2147483648,2147483648,4],"data_offsets":[0,0]}})",
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})",
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}})",
      R"({"a":{"dtype":3,"shape":[2],"data_offsets":[0,8]}})",
      R"({"a":7})",
      R"({"__metadata__":{"k":1}})",
      R"({"__metadata__":[]})",
  };
  for (const char *header : headers) {
    spill(dir.file("m"), with_header(header, std::string(8, 'x')));
    if (read_status(dir.file("m")) != TVX_BAD_FORMAT) check::fail(__FILE__, __LINE__, header);
  }
  spill(dir.file("m"), with_header(std::string(200000, '['), ""));
  CHECK_EQUAL(read_status(dir.file("m")), TVX_BAD_FORMAT);
}

TEST(Safetensors_WhenTheFileIsMissing_TellsIo) {
  CHECK_EQUAL(read_status("/nonexistent/m"), TVX_IO);
  CHECK(std::string(tvx_last_error()).find("/nonexistent/m") != std::string::npos);
  CHECK_EQUAL(read_status("/tmp"), TVX_IO);
  CHECK_EQUAL(guard([] { write_safetensors("/nonexistent/m", {}, {}); }), TVX_IO);
}

TEST(Safetensors_WhenTheDiskIsFull_SaysSoAndLeavesNothing) {
  // A file size limit fails a write half way as a full disk does.
  Directory dir;
  spill(dir.file("m"), "old");
  pid_t child = fork();
  if (child == 0) {
    rlimit limit{4096, 4096};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    tvx_status status = guard([&] { write_safetensors(dir.file("m"), {{"a", at::zeros({10000})}}, {}); });
    bool named = std::string(tvx_last_error()).find(dir.file("m")) != std::string::npos;
    _exit(status == TVX_IO && named ? 0 : 1);
  }
  int result = 1;
  waitpid(child, &result, 0);
  CHECK_EQUAL(result, 0);
  CHECK(slurp(dir.file("m")) == "old");
  CHECK_EQUAL(std::distance(fs::directory_iterator(dir.path), {}), 1);
}

CHECK_MAIN
