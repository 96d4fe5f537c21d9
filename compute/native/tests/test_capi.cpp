// SPDX-License-Identifier: Apache-2.0
//
// The C interface as a caller sees it: what it refuses and how it says so, stopping, threads.
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

#include "check.h"
#include "nets.h"
#include "safetensors.h"

namespace fs = std::filesystem;

namespace {

struct Directory {
  fs::path path;
  Directory() {
    char name[] = "/tmp/teravox-capi-XXXXXX";
    path = mkdtemp(name);
  }
  ~Directory() { fs::remove_all(path); }
  std::string file(const char *name) const { return (path / name).string(); }
};

struct Fixture {
  tvx_arch arch = nets::make(2, 4, TVX_ORDER_CBR);
  tvx_model *model = nullptr;
  tvx_session *session = nullptr;
  std::vector<uint8_t> voxels = std::vector<uint8_t>(16 * 16 * 16, 9);
  std::vector<uint8_t> out = std::vector<uint8_t>(16 * 16 * 16);
  std::vector<float> logits = std::vector<float>(16 * 16 * 16);
  tvx_tile tile = {nullptr, TVX_UINT8, {16, 16, 16}, {4, 4, 4}, {8, 8, 8}, 100, 50};
  Fixture() {
    arch.out_channels = 1;
    CHECK_EQUAL(tvx_model_create(&arch, 3, &model), TVX_OK);
    CHECK_EQUAL(tvx_session_create(model, "cpu", 1, &session), TVX_OK);
    for (size_t i = 0; i < voxels.size(); ++i) voxels[i] = static_cast<uint8_t>(i * 31 + i / 64);
    tile.voxels = voxels.data();
  }
  ~Fixture() {
    tvx_session_free(session);
    tvx_model_free(model);
  }
};

// The call was refused with this status, and the text holds the word.
void refused(int line, tvx_status got, tvx_status wanted, const char *word) {
  std::string text = tvx_last_error();
  if (got != wanted) check::fail(__FILE__, line, "status " + std::to_string(got) + ", text: " + text);
  if (text.find(word) == std::string::npos) check::fail(__FILE__, line, "'" + text + "' does not hold '" + word + "'");
  if (text.find('\n') != std::string::npos) check::fail(__FILE__, line, "the text has several lines");
}
#define REFUSED(call, status, word) refused(__LINE__, (call), (status), (word))

}  // namespace

TEST(Api_WhenAPointerIsNull_NamesIt) {
  Fixture f;
  int32_t triple[3];
  tvx_model *model = nullptr;
  tvx_session *session = nullptr;
  REFUSED(tvx_arch_reach(nullptr, triple, triple), TVX_BAD_ARGUMENT, "arch");
  REFUSED(tvx_arch_reach(&f.arch, nullptr, triple), TVX_BAD_ARGUMENT, "reach");
  REFUSED(tvx_arch_reach(&f.arch, triple, nullptr), TVX_BAD_ARGUMENT, "grid");
  REFUSED(tvx_model_create(nullptr, 0, &model), TVX_BAD_ARGUMENT, "arch");
  REFUSED(tvx_model_create(&f.arch, 0, nullptr), TVX_BAD_ARGUMENT, "model");
  REFUSED(tvx_model_load(nullptr, &model), TVX_BAD_ARGUMENT, "path");
  REFUSED(tvx_model_load("x", nullptr), TVX_BAD_ARGUMENT, "model");
  REFUSED(tvx_model_import(nullptr, nullptr, &model), TVX_BAD_ARGUMENT, "path");
  REFUSED(tvx_model_import("x", nullptr, nullptr), TVX_BAD_ARGUMENT, "model");
  REFUSED(tvx_model_save(nullptr, "x", nullptr), TVX_BAD_ARGUMENT, "model");
  REFUSED(tvx_model_save(f.model, nullptr, nullptr), TVX_BAD_ARGUMENT, "path");
  REFUSED(tvx_model_arch(nullptr, &f.arch), TVX_BAD_ARGUMENT, "model");
  REFUSED(tvx_model_arch(f.model, nullptr), TVX_BAD_ARGUMENT, "arch");
  REFUSED(tvx_session_create(nullptr, "cpu", 1, &session), TVX_BAD_ARGUMENT, "model");
  REFUSED(tvx_session_create(f.model, nullptr, 1, &session), TVX_BAD_ARGUMENT, "device");
  REFUSED(tvx_session_create(f.model, "cpu", 1, nullptr), TVX_BAD_ARGUMENT, "session");
  REFUSED(tvx_session_infer(nullptr, &f.tile, f.out.data(), nullptr), TVX_BAD_ARGUMENT, "session");
  REFUSED(tvx_session_infer(f.session, nullptr, f.out.data(), nullptr), TVX_BAD_ARGUMENT, "tile");
  REFUSED(tvx_session_infer(f.session, &f.tile, nullptr, nullptr), TVX_BAD_ARGUMENT, "probabilities");
  REFUSED(tvx_session_logits(nullptr, &f.tile, f.logits.data(), nullptr), TVX_BAD_ARGUMENT, "session");
  REFUSED(tvx_session_logits(f.session, nullptr, f.logits.data(), nullptr), TVX_BAD_ARGUMENT, "tile");
  REFUSED(tvx_session_logits(f.session, &f.tile, nullptr, nullptr), TVX_BAD_ARGUMENT, "logits");
  CHECK(model == nullptr && session == nullptr);
  tvx_arch_defaults(nullptr);
  CHECK_EQUAL(std::string(tvx_model_card(nullptr)), "");
  CHECK_EQUAL(tvx_model_parameter_count(nullptr), 0);
  CHECK_EQUAL(tvx_model_tensor_count(nullptr), 0);
  CHECK(tvx_model_tensor_name(nullptr, 0) == nullptr);
}

TEST(Session_WhenTheDeviceOrThreadsAreWrong_SaysSo) {
  Fixture f;
  tvx_session *session = nullptr;
  for (const char *name : {"", "gpu", "CPU", "cpu:0", "cuda:", "cuda:x", "cuda:-1", "cuda:99999999999", "cuda:0x"}) {
    REFUSED(tvx_session_create(f.model, name, 1, &session), TVX_NO_DEVICE, "device");
  }
  REFUSED(tvx_session_create(f.model, ("cuda:" + std::to_string(tvx_cuda_device_count())).c_str(), 1, &session),
          TVX_NO_DEVICE, "absent");
  REFUSED(tvx_session_create(f.model, "cpu", 0, &session), TVX_BAD_ARGUMENT, "threads");
  REFUSED(tvx_session_create(f.model, "cpu", -1, &session), TVX_BAD_ARGUMENT, "threads");
}

TEST(Infer_WhenATileIsWrong_NamesTheAxisOrField) {
  Fixture f;
  auto with = [&](auto change) {
    tvx_tile tile = f.tile;
    change(tile);
    return tvx_session_infer(f.session, &tile, f.out.data(), nullptr);
  };
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
  REFUSED(with([](tvx_tile &t) { t.voxels = nullptr; }), TVX_BAD_ARGUMENT, "voxels");
  REFUSED(with([](tvx_tile &t) { t.voxel_type = 2; }), TVX_BAD_ARGUMENT, "voxel_type");
  REFUSED(with([](tvx_tile &t) { t.std = 0; }), TVX_BAD_ARGUMENT, "std");
  REFUSED(with([](tvx_tile &t) { t.std = kNan; }), TVX_BAD_ARGUMENT, "std");
  REFUSED(with([](tvx_tile &t) { t.mean = kNan; }), TVX_BAD_ARGUMENT, "mean");
  REFUSED(with([](tvx_tile &t) { t.shape[0] = 0; }), TVX_BAD_SHAPE, "axis z");
  REFUSED(with([](tvx_tile &t) { t.shape[1] = 15; }), TVX_BAD_SHAPE, "axis y");
  REFUSED(with([](tvx_tile &t) { t.shape[2] = -16; }), TVX_BAD_SHAPE, "axis x");
  REFUSED(with([](tvx_tile &t) { t.shape[0] = t.shape[1] = t.shape[2] = kHuge - 1; }), TVX_BAD_SHAPE, "2^31");
  REFUSED(with([](tvx_tile &t) { t.core_start[0] = -1; }), TVX_BAD_SHAPE, "core");
  REFUSED(with([](tvx_tile &t) { t.core_start[1] = 9; }), TVX_BAD_SHAPE, "core");
  REFUSED(with([](tvx_tile &t) { t.core_start[2] = kHuge; }), TVX_BAD_SHAPE, "core");
  REFUSED(with([](tvx_tile &t) { t.core_shape[2] = 0; }), TVX_BAD_SHAPE, "core");
  REFUSED(with([](tvx_tile &t) { t.core_shape[0] = kHuge; }), TVX_BAD_SHAPE, "core");
  CHECK_EQUAL(with([](tvx_tile &) {}), TVX_OK);
}

TEST(Model_WhenAFileIsWrong_NamesItAndSaysWhy) {
  Fixture f;
  Directory dir;
  tvx_model *model = nullptr;
  std::string path = dir.file("m");
  REFUSED(tvx_model_load("/nonexistent/m", &model), TVX_IO, "/nonexistent/m");
  REFUSED(tvx_model_save(f.model, "/nonexistent/m", nullptr), TVX_IO, "/nonexistent/m");
  REFUSED(tvx_model_save(f.model, path.c_str(), "{"), TVX_BAD_ARGUMENT, "card_json");
  REFUSED(tvx_model_save(f.model, path.c_str(), "\"\xff\""), TVX_BAD_ARGUMENT, "card_json");
  REFUSED(tvx_model_import("/nonexistent/m", nullptr, &model), TVX_IO, "/nonexistent/m");
  REFUSED(tvx_model_import(dir.path.c_str(), nullptr, &model), TVX_IO, dir.path.c_str());
  CHECK(!fs::exists(path));

  std::string arch = teravox::arch_to_json(f.arch);
  auto write = [&](const teravox::NamedTensors &tensors, const std::map<std::string, std::string> &metadata) {
    teravox::write_safetensors(path, tensors, metadata);
  };
  auto tensors = nets::model(f.arch).tensors;
  write(tensors, {});
  REFUSED(tvx_model_load(path.c_str(), &model), TVX_BAD_FORMAT, "teravox.arch");
  write(tensors, {{"teravox.arch", "{}"}});
  REFUSED(tvx_model_load(path.c_str(), &model), TVX_BAD_FORMAT, path.c_str());
  write(tensors, {{"teravox.arch", arch}});
  CHECK_EQUAL(tvx_model_load(path.c_str(), &model), TVX_OK);
  tvx_model_free(model);

  auto fewer = tensors, more = tensors, other = tensors, wider = tensors;
  fewer.erase(fewer.begin() + 3);
  more.emplace_back("extra", at::zeros({1}));
  other[0].second = at::zeros({3, 1, 3, 3, 3});
  wider[0].second = wider[0].second.to(at::kDouble);
  for (const auto &list : {fewer, more, other, wider}) {
    write(list, {{"teravox.arch", arch}});
    REFUSED(tvx_model_load(path.c_str(), &model), TVX_MISMATCH, path.c_str());
  }
  for (const char *bytes :
       {"", "PK", "PK\3\4", "PK\3\4 but no zip at all, only its first letters", "\x80\2}q\1.", "GIF89a"}) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    REFUSED(tvx_model_import(path.c_str(), nullptr, &model), TVX_BAD_FORMAT, path.c_str());
    REFUSED(tvx_model_load(path.c_str(), &model), TVX_BAD_FORMAT, path.c_str());
  }
}

TEST(Infer_WhenAborted_StopsThereAndTheSessionStaysUsable) {
  Fixture f;
  std::vector<uint8_t> expected(512), again(512);
  CHECK_EQUAL(tvx_session_infer(f.session, &f.tile, expected.data(), nullptr), TVX_OK);

  struct Watch {
    int polls = 0, stop_at = 0;
    double last = 0;
    bool ordered = true;
  } watch;
  tvx_callbacks callbacks;
  callbacks.user = &watch;
  callbacks.abort = [](void *user) -> int32_t {
    Watch &w = *static_cast<Watch *>(user);
    return ++w.polls == w.stop_at ? 7 : 0;
  };
  callbacks.progress = [](double fraction, void *user) {
    Watch &w = *static_cast<Watch *>(user);
    w.ordered = w.ordered && fraction >= w.last && fraction <= 1;
    w.last = fraction;
  };
  CHECK_EQUAL(tvx_session_infer(f.session, &f.tile, again.data(), &callbacks), TVX_OK);
  int all = watch.polls;
  CHECK(all >= 7);  // before the first layer and after each of six convolutions
  CHECK(watch.ordered);
  CHECK(watch.last > 0.999);
  for (int at = 1; at <= all; ++at) {
    watch = Watch();
    watch.stop_at = at;
    REFUSED(tvx_session_infer(f.session, &f.tile, again.data(), &callbacks), TVX_ABORTED, "stopped");
    CHECK_EQUAL(watch.polls, at);
  }
  std::fill(again.begin(), again.end(), 0);
  tvx_callbacks none = {nullptr, nullptr, nullptr};
  CHECK_EQUAL(tvx_session_infer(f.session, &f.tile, again.data(), &none), TVX_OK);
  CHECK(again == expected);
}

TEST(Model_WhenSharedByThreads_EachGetsTheSameBytes) {
  Fixture f;
  std::vector<uint8_t> expected(512);
  CHECK_EQUAL(tvx_session_infer(f.session, &f.tile, expected.data(), nullptr), TVX_OK);
  std::vector<std::thread> threads;
  std::vector<int> wrong(3, 0);
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      tvx_session *session = nullptr;
      if (tvx_session_create(f.model, "cpu", 1, &session) != TVX_OK) ++wrong[t];
      std::vector<uint8_t> out(512);
      for (int i = 0; i < 5; ++i) {
        if (tvx_session_infer(session, &f.tile, out.data(), nullptr) != TVX_OK || out != expected) ++wrong[t];
      }
      tvx_session_free(session);
      // Error texts are each thread's own.
      if (tvx_last_error()[0] != '\0') ++wrong[t];
    });
  }
  for (std::thread &thread : threads) thread.join();
  for (int count : wrong) CHECK_EQUAL(count, 0);
}

TEST(Infer_WhenVoxelsAre16Bit_GivesWhatEqual8BitVoxelsGive) {
  Fixture f;
  std::vector<uint16_t> wide(f.voxels.begin(), f.voxels.end());
  std::vector<float> narrow(512), other(512);
  CHECK_EQUAL(tvx_session_logits(f.session, &f.tile, narrow.data(), nullptr), TVX_OK);
  f.tile.voxels = wide.data();
  f.tile.voxel_type = TVX_UINT16;
  CHECK_EQUAL(tvx_session_logits(f.session, &f.tile, other.data(), nullptr), TVX_OK);
  CHECK(narrow == other);
}

CHECK_MAIN
