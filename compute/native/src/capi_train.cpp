// SPDX-License-Identifier: Apache-2.0
//
// The entries of teravox.h for augmentation and training.
#include "augment.h"
#include "guard.h"
#include "trainer.h"

using teravox::Error;
using teravox::guard;
using teravox::require;
using teravox::Trainer;

struct tvx_trainer {
  std::unique_ptr<Trainer> run;
};

void tvx_augment_defaults(tvx_augment_options *options) {
  if (options != nullptr) *options = teravox::default_augment_options();
}

tvx_status tvx_augment_source_shape(const tvx_augment_options *options, const int64_t patch[3], int64_t source[3]) {
  return guard([&] {
    require(options, "options");
    require(patch, "patch");
    require(source, "source");
    teravox::validate(*options);
    const teravox::Triple shape = {patch[0], patch[1], patch[2]};
    teravox::validate_patch(*options, shape);
    const teravox::Triple needed = teravox::augment_source_shape(*options, shape);
    for (int axis = 0; axis < 3; ++axis) source[axis] = needed[axis];
  });
}

tvx_status tvx_augment(const tvx_augment_options *options, uint64_t seed, uint64_t index, const tvx_block *block,
                       const int64_t patch[3], float *raw, uint8_t *labels) {
  return guard([&] {
    require(options, "options");
    require(block, "block");
    require(patch, "patch");
    teravox::validate(*options);
    const teravox::Triple shape = {patch[0], patch[1], patch[2]};
    teravox::validate_patch(*options, shape);
    teravox::validate_block(*options, shape, *block, labels != nullptr);
    teravox::augment(*options, seed, index, *block, shape, raw, labels);
  });
}

void tvx_train_defaults(tvx_train_options *options) {
  if (options != nullptr) *options = teravox::default_train_options();
}

tvx_status tvx_trainer_create(const tvx_model *model, const tvx_train_options *options, const char *device,
                              int32_t threads, tvx_trainer **trainer) {
  return guard([&] {
    require(model, "model");
    require(options, "options");
    require(device, "device");
    require(trainer, "trainer");
    *trainer = new tvx_trainer{std::make_unique<Trainer>(model->arch, model->tensors, *options, device, threads)};
  });
}

tvx_status tvx_trainer_step(tvx_trainer *trainer, const tvx_block *blocks, int32_t count, double *loss,
                            const tvx_callbacks *callbacks) {
  return guard([&] {
    require(trainer, "trainer");
    require(blocks, "blocks");
    require(loss, "loss");
    if (count < 1) throw Error(TVX_BAD_ARGUMENT, "count is " + std::to_string(count) + ", but must be 1 or more");
    *loss = trainer->run->step(blocks, count, callbacks);
  });
}

int64_t tvx_trainer_iteration(const tvx_trainer *trainer) {
  return trainer == nullptr ? 0 : trainer->run->iteration();
}

tvx_status tvx_trainer_save(const tvx_trainer *trainer, const char *path) {
  return guard([&] {
    require(trainer, "trainer");
    require(path, "path");
    trainer->run->save(path);
  });
}

tvx_status tvx_trainer_load(const char *path, const char *device, int32_t threads, tvx_trainer **trainer) {
  return guard([&] {
    require(path, "path");
    require(device, "device");
    require(trainer, "trainer");
    *trainer = new tvx_trainer{Trainer::load(path, device, threads)};
  });
}

tvx_status tvx_trainer_options(const tvx_trainer *trainer, tvx_train_options *options) {
  return guard([&] {
    require(trainer, "trainer");
    require(options, "options");
    *options = trainer->run->options();
  });
}

tvx_status tvx_trainer_model(const tvx_trainer *trainer, tvx_model **model) {
  return guard([&] {
    require(trainer, "trainer");
    require(model, "model");
    *model = new tvx_model(trainer->run->snapshot());
  });
}

void tvx_trainer_free(tvx_trainer *trainer) {
  delete trainer;
}
