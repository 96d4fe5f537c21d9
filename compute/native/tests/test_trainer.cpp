// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "check.h"
#include "random.h"
#include "teravox.h"

namespace {

struct Free {
  void operator()(tvx_model *m) const { tvx_model_free(m); }
  void operator()(tvx_trainer *t) const { tvx_trainer_free(t); }
};
using Model = std::unique_ptr<tvx_model, Free>;
using Trainer = std::unique_ptr<tvx_trainer, Free>;

tvx_arch small_arch(int32_t outputs) {
  tvx_arch arch;
  tvx_arch_defaults(&arch);
  arch.levels = 3;
  arch.f_maps = 4;
  arch.num_groups = 2;
  arch.out_channels = outputs;
  return arch;
}

tvx_train_options small_options(bool augment) {
  tvx_train_options o;
  tvx_train_defaults(&o);
  o.patch[0] = 8, o.patch[1] = o.patch[2] = 16;
  o.learning_rate = 5e-3;
  o.augment.elastic_amplitude = 1;
  if (!augment) {
    for (double &p : o.augment.flip_probability) p = 0;
    o.augment.rotation_probability = o.augment.scaling_probability = o.augment.elastic_probability = 0;
    o.augment.contrast_probability = o.augment.noise_probability = 0;
    o.augment.blur_probability = o.augment.sharpen_probability = 0;
  }
  return o;
}

Model make_model(const tvx_arch &arch, uint64_t seed = 1) {
  tvx_model *model = nullptr;
  CHECK_EQUAL(tvx_model_create(&arch, seed, &model), TVX_OK);
  return Model(model);
}

Trainer make_trainer(const Model &model, const tvx_train_options &o, int32_t threads = 1) {
  tvx_trainer *trainer = nullptr;
  CHECK_EQUAL(tvx_trainer_create(model.get(), &o, "cpu", threads, &trainer), TVX_OK);
  return Trainer(trainer);
}

// Stripes with noise: class 0, 1 and 2 by brightness, a corner of it not labelled.
struct Sample {
  std::vector<uint8_t> voxels, labels;
  int64_t shape[3];

  Sample(const tvx_train_options &o, uint64_t seed) {
    CHECK_EQUAL(tvx_augment_source_shape(&o.augment, o.patch, shape), TVX_OK);
    teravox::RandomStream random(seed, 0, 0);
    const int64_t phase = static_cast<int64_t>(random.bits(1000000) % 12);
    for (int64_t i = 0; i < shape[0] * shape[1] * shape[2]; ++i) {
      const int64_t x = i % shape[2], y = i / shape[2] % shape[1];
      const int label = static_cast<int>((x + y + phase) / 4 % 3);
      voxels.push_back(static_cast<uint8_t>(40 + 70 * label + static_cast<int>(random.bits(i) % 60)));
      labels.push_back(x < 3 && y < 3 ? 255 : static_cast<uint8_t>(label));
    }
  }

  tvx_block block() const { return {voxels.data(), labels.data(), TVX_UINT8, {shape[0], shape[1], shape[2]}, 140, 60}; }
};

double step(const Trainer &trainer, const Sample &sample) {
  const tvx_block block = sample.block();
  double loss = -1;
  const tvx_status status = tvx_trainer_step(trainer.get(), &block, 1, &loss, nullptr);
  CHECK_EQUAL(status, TVX_OK);
  if (status != TVX_OK) std::fprintf(stderr, "%s\n", tvx_last_error());
  return loss;
}

class File {
 public:
  explicit File(const char *name) : path_("/tmp/teravox-" + std::to_string(getpid()) + "-" + name) {}
  ~File() { std::remove(path_.c_str()); }
  const char *path() const { return path_.c_str(); }
  std::string bytes() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string &bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }

 private:
  std::string path_;
};

// Everything a trainer holds, as the bytes of its checkpoint.
std::string state_of(const Trainer &trainer) {
  File file("state.safetensors");
  CHECK_EQUAL(tvx_trainer_save(trainer.get(), file.path()), TVX_OK);
  return file.bytes();
}

bool last_error_says(const char *words) {
  return std::strstr(tvx_last_error(), words) != nullptr;
}

}  // namespace

TEST(loss_falls_on_a_toy_problem_for_every_kind_of_network) {
  for (const int32_t order : {TVX_ORDER_CBR, TVX_ORDER_GCR}) {
    for (const int32_t upsample : {TVX_UPSAMPLE_NEAREST, TVX_UPSAMPLE_TRANSPOSED, TVX_UPSAMPLE_TRANSPOSED3}) {
      for (const int32_t residual : {0, 1}) {
        tvx_arch arch = small_arch(3);
        arch.order = order, arch.upsample = upsample, arch.residual = residual;
        if (residual == 1 && upsample == TVX_UPSAMPLE_NEAREST) continue;  // summing needs the channels halved
        const tvx_train_options o = small_options(false);
        const Trainer trainer = make_trainer(make_model(arch), o);
        double first = 0, last = 0;
        for (int i = 0; i < 40; ++i) {
          const double loss = step(trainer, Sample(o, i));
          if (i < 5) first += loss / 5;
          if (i >= 35) last += loss / 5;
        }
        CHECK(first > 0.4 && first < 1.2);
        CHECK(last < 0.7 * first);
      }
    }
  }
}

TEST(one_output_learns_its_class_against_the_rest) {
  tvx_train_options o = small_options(false);
  o.target_class = 2;
  const Trainer trainer = make_trainer(make_model(small_arch(1)), o);
  double loss = 0;
  for (int i = 0; i < 40; ++i) loss = step(trainer, Sample(o, i));
  CHECK(loss < 0.35);
}

TEST(the_same_seed_gives_the_same_losses_bit_for_bit) {
  tvx_train_options o = small_options(true);
  const Model model = make_model(small_arch(3));
  const Trainer a = make_trainer(model, o, 2), b = make_trainer(model, o, 2);
  o.seed = 1;
  const Trainer c = make_trainer(model, o);
  bool different = false;
  for (int i = 0; i < 6; ++i) {
    const Sample sample(o, i);
    const double loss = step(a, sample);
    CHECK_EQUAL(loss, step(b, sample));
    different = different || loss != step(c, sample);
  }
  CHECK(different);
  CHECK(state_of(a) == state_of(b));
}

TEST(a_resumed_run_goes_on_exactly_as_the_unbroken_one) {
  tvx_train_options o = small_options(true);
  o.weight_decay = 1e-4;
  o.seed = 0xfedcba9876543210u;
  const Trainer whole = make_trainer(make_model(small_arch(3)), o, 2);
  for (int i = 0; i < 3; ++i) step(whole, Sample(o, i));
  File file("resume.safetensors");
  CHECK_EQUAL(tvx_trainer_save(whole.get(), file.path()), TVX_OK);
  tvx_trainer *loaded = nullptr;
  CHECK_EQUAL(tvx_trainer_load(file.path(), "cpu", 2, &loaded), TVX_OK);
  const Trainer resumed(loaded);
  CHECK_EQUAL(tvx_trainer_iteration(loaded), 3);
  tvx_train_options kept;
  CHECK_EQUAL(tvx_trainer_options(loaded, &kept), TVX_OK);
  CHECK(kept.seed == o.seed && kept.weight_decay == o.weight_decay && kept.patch[2] == 16);
  CHECK(state_of(whole) == state_of(resumed));
  for (int i = 3; i < 7; ++i) CHECK_EQUAL(step(whole, Sample(o, i)), step(resumed, Sample(o, i)));
  CHECK(state_of(whole) == state_of(resumed));
}

TEST(an_aborted_step_changes_nothing_wherever_it_stops) {
  const tvx_train_options o = small_options(true);
  const Model model = make_model(small_arch(3));
  const Trainer stopped = make_trainer(model, o), unbroken = make_trainer(model, o);
  step(stopped, Sample(o, 0));
  step(unbroken, Sample(o, 0));
  const std::string before = state_of(stopped);
  const Sample sample(o, 1);
  const tvx_block block = sample.block();
  int left = 0;
  const tvx_callbacks callbacks = {[](void *user) { return (*static_cast<int *>(user))-- == 0 ? 1 : 0; }, nullptr,
                                   &left};
  int polls = 0;
  double loss = -1;
  for (;; ++polls) {
    left = polls;
    const tvx_status status = tvx_trainer_step(stopped.get(), &block, 1, &loss, &callbacks);
    if (status == TVX_OK) break;
    CHECK_EQUAL(status, TVX_ABORTED);
    CHECK_EQUAL(loss, -1);
    CHECK_EQUAL(tvx_trainer_iteration(stopped.get()), 1);
    if (state_of(stopped) != before) {
      CHECK(!"an aborted step changed the trainer");
      break;
    }
  }
  CHECK(polls > 30);  // forward and backward are both asked between layers
  CHECK_EQUAL(loss, step(unbroken, sample));
  CHECK(state_of(stopped) == state_of(unbroken));
}

TEST(a_patch_without_labels_counts_but_changes_no_weight) {
  const tvx_train_options o = small_options(false);
  const Model model = make_model(small_arch(3));
  const Trainer trainer = make_trainer(model, o), other = make_trainer(model, o);
  Sample empty(o, 0);
  std::fill(empty.labels.begin(), empty.labels.end(), 255);
  CHECK_EQUAL(step(trainer, empty), 0.0);
  CHECK_EQUAL(tvx_trainer_iteration(trainer.get()), 1);
  CHECK_EQUAL(step(trainer, Sample(o, 1)), step(other, Sample(o, 1)));
  CHECK_EQUAL(step(trainer, Sample(o, 2)), step(other, Sample(o, 2)));  // so the weights agreed, and Adam's count
}

TEST(ignored_voxels_weigh_nothing) {
  const tvx_train_options o = small_options(false);
  const Model model = make_model(small_arch(3));
  const tvx_arch arch = small_arch(3);
  Sample sample(o, 0);
  // A batch of the sample and of one that nobody labelled has the loss over the sample's voxels alone. Only without
  // batch norm are the two independent in the network.
  tvx_arch gcr = arch;
  gcr.order = TVX_ORDER_GCR;
  const Trainer one = make_trainer(make_model(gcr), o), two = make_trainer(make_model(gcr), o);
  Sample unlabelled(o, 1);
  std::fill(unlabelled.labels.begin(), unlabelled.labels.end(), 255);
  const tvx_block blocks[2] = {sample.block(), unlabelled.block()};
  double loss = -1;
  CHECK_EQUAL(tvx_trainer_step(two.get(), blocks, 2, &loss, nullptr), TVX_OK);
  CHECK(std::abs(loss - step(one, sample)) < 1e-6);
}

TEST(a_loss_that_is_not_finite_is_an_error_that_says_what_to_do) {
  const tvx_train_options o = small_options(false);
  const Trainer trainer = make_trainer(make_model(small_arch(3)), o);
  step(trainer, Sample(o, 0));
  const std::string before = state_of(trainer);
  const Sample sample(o, 1);
  tvx_block block = sample.block();
  block.std = 1e-38f;  // inputs of 1e40 are infinite in float
  double loss = -1;
  CHECK_EQUAL(tvx_trainer_step(trainer.get(), &block, 1, &loss, nullptr), TVX_BAD_ARGUMENT);
  CHECK(last_error_says("iteration 1") && last_error_says("lower the learning rate"));
  CHECK(state_of(trainer) == before);
}

TEST(wrong_arguments_are_refused_with_a_sentence) {
  const tvx_train_options good = small_options(false);
  const Model model = make_model(small_arch(3)), binary = make_model(small_arch(1));
  tvx_trainer *trainer = nullptr;
  tvx_train_options o = good;
  o.patch[1] = 18;
  CHECK_EQUAL(tvx_trainer_create(model.get(), &o, "cpu", 1, &trainer), TVX_BAD_SHAPE);
  CHECK(last_error_says("axis y"));
  o = good;
  o.patch[0] = o.patch[1] = o.patch[2] = 4;
  CHECK_EQUAL(tvx_trainer_create(model.get(), &o, "cpu", 1, &trainer), TVX_BAD_SHAPE);
  o = good;
  o.learning_rate = 0;
  CHECK_EQUAL(tvx_trainer_create(model.get(), &o, "cpu", 1, &trainer), TVX_BAD_ARGUMENT);
  CHECK(last_error_says("learning_rate"));
  o = good;
  o.learning_rate = std::nan("");
  CHECK_EQUAL(tvx_trainer_create(model.get(), &o, "cpu", 1, &trainer), TVX_BAD_ARGUMENT);
  CHECK_EQUAL(tvx_trainer_create(binary.get(), &good, "cpu", 1, &trainer), TVX_BAD_SHAPE);
  o = good;
  o.target_class = 1;
  CHECK_EQUAL(tvx_trainer_create(model.get(), &o, "cpu", 1, &trainer), TVX_BAD_SHAPE);
  CHECK_EQUAL(tvx_trainer_create(model.get(), &good, "tpu", 1, &trainer), TVX_NO_DEVICE);
  CHECK_EQUAL(tvx_trainer_create(model.get(), &good, "cpu", 0, &trainer), TVX_BAD_ARGUMENT);
  CHECK(trainer == nullptr);

  const Trainer real = make_trainer(model, good);
  Sample sample(good, 0);
  sample.labels[100] = 3;
  tvx_block block = sample.block();
  double loss = -1;
  CHECK_EQUAL(tvx_trainer_step(real.get(), &block, 1, &loss, nullptr), TVX_BAD_ARGUMENT);
  CHECK(last_error_says("label 3"));
  CHECK_EQUAL(tvx_trainer_step(real.get(), &block, 0, &loss, nullptr), TVX_BAD_ARGUMENT);
  block.labels = nullptr;
  CHECK_EQUAL(tvx_trainer_step(real.get(), &block, 1, &loss, nullptr), TVX_BAD_ARGUMENT);
  block = sample.block();
  block.shape[2] = 8;
  CHECK_EQUAL(tvx_trainer_step(real.get(), &block, 1, &loss, nullptr), TVX_BAD_SHAPE);
  CHECK_EQUAL(tvx_trainer_iteration(real.get()), 0);
}

TEST(files_that_are_no_checkpoint_are_refused_by_name) {
  const tvx_train_options o = small_options(false);
  const Model model = make_model(small_arch(3));
  const Trainer trainer = make_trainer(model, o);
  tvx_trainer *loaded = nullptr;
  CHECK_EQUAL(tvx_trainer_load("/tmp/teravox-absent/x.safetensors", "cpu", 1, &loaded), TVX_IO);
  File file("bad.safetensors");
  CHECK_EQUAL(tvx_model_save(model.get(), file.path(), nullptr), TVX_OK);
  CHECK_EQUAL(tvx_trainer_load(file.path(), "cpu", 1, &loaded), TVX_BAD_FORMAT);
  CHECK(last_error_says(file.path()));
  CHECK_EQUAL(tvx_trainer_save(trainer.get(), file.path()), TVX_OK);
  tvx_model *as_model = nullptr;
  CHECK_EQUAL(tvx_model_load(file.path(), &as_model), TVX_MISMATCH);
  const std::string whole = file.bytes();
  file.write(whole.substr(0, whole.size() - 100));
  CHECK_EQUAL(tvx_trainer_load(file.path(), "cpu", 1, &loaded), TVX_BAD_FORMAT);
  std::string damaged = whole;
  damaged.replace(damaged.find("learning_rate"), 13, "learning_rite");
  file.write(damaged);
  CHECK_EQUAL(tvx_trainer_load(file.path(), "cpu", 1, &loaded), TVX_BAD_FORMAT);
  CHECK(last_error_says(file.path()));
  CHECK(loaded == nullptr);
}

TEST(a_snapshot_does_not_change_with_the_trainer) {
  const tvx_train_options o = small_options(false);
  const Trainer trainer = make_trainer(make_model(small_arch(3)), o);
  step(trainer, Sample(o, 0));
  tvx_model *snapshot = nullptr;
  CHECK_EQUAL(tvx_trainer_model(trainer.get(), &snapshot), TVX_OK);
  const Model model(snapshot);
  File before("before.safetensors"), after("after.safetensors");
  CHECK_EQUAL(tvx_model_save(snapshot, before.path(), nullptr), TVX_OK);
  step(trainer, Sample(o, 1));
  CHECK_EQUAL(tvx_model_save(snapshot, after.path(), nullptr), TVX_OK);
  CHECK(before.bytes() == after.bytes());
}

CHECK_MAIN
