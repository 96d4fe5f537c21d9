// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <c10/core/Device.h>

#include <memory>
#include <string>
#include <vector>

#include "model.h"
#include "teravox.h"
#include "unet.h"

namespace teravox {

// The defaults that teravox.h promises.
tvx_train_options default_train_options();

// Throws TVX_BAD_ARGUMENT or TVX_BAD_SHAPE with one sentence when options cannot be used with the architecture.
void validate(const tvx_train_options &options, const tvx_arch &arch);

// One training run. See tvx_trainer_* for what each call does; a call that throws has changed nothing.
class Trainer {
 public:
  Trainer(const tvx_arch &arch, const NamedTensors &weights, const tvx_train_options &options,
          const std::string &device, int32_t threads);
  Trainer(const Trainer &) = delete;
  Trainer &operator=(const Trainer &) = delete;

  static std::unique_ptr<Trainer> load(const std::string &path, const std::string &device, int32_t threads);
  void save(const std::string &path) const;

  double step(const tvx_block *blocks, int32_t count, const tvx_callbacks *callbacks);

  int64_t iteration() const { return iteration_; }
  const tvx_train_options &options() const { return options_; }
  tvx_model snapshot() const;

 private:
  // A trainable tensor with Adam's running means of its gradient and its gradient's square.
  struct Parameter {
    std::string name;
    at::Tensor value, mean, square;
  };

  void check_labels(const at::Tensor &labels) const;
  double loss_and_gradients(const at::Tensor &raw, const at::Tensor &labels, int64_t labelled);
  void update();
  void drop_gradients();

  tvx_train_options options_;
  c10::Device device_;
  int32_t threads_;
  std::shared_ptr<UNet3d> net_;
  std::vector<Parameter> parameters_;
  int64_t iteration_ = 0;  // completed
  int64_t updates_ = 0;    // of the weights; fewer than iterations when patches had no labelled voxel
  const tvx_callbacks *callbacks_ = nullptr;  // of the step in progress
};

}  // namespace teravox
