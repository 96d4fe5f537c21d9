// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

namespace teravox {

// ZSSR's learning rate. The reconstruction error is reported every kTestEvery iterations; every kCheckEvery, and at
// least kLeastBetween after the last change, a line is fitted to the last kFitted errors. When the error no longer
// falls clearly (-1.5 slope < standard error of the slope) the rate is divided by ten; below the minimum the run ends.
class LearningRateRule {
 public:
  static constexpr int64_t kTestEvery = 50, kCheckEvery = 60, kLeastBetween = 256;
  static constexpr size_t kFitted = 5;

  LearningRateRule(double rate, double minimum) : rate_(rate), minimum_(minimum) {}

  double rate() const { return rate_; }
  bool ended() const { return rate_ < minimum_; }

  // The error measured in iteration `iteration` (from 0).
  void report(int64_t iteration, double error);

  // To be called at the end of every iteration.
  void consider(int64_t iteration);

  // Divides the rate whatever the errors say.
  void lower(int64_t iteration);

  const std::deque<std::pair<double, double>> &errors() const { return errors_; }

 private:
  double rate_, minimum_;
  int64_t changed_ = 0;
  std::deque<std::pair<double, double>> errors_;  // the last kFitted: iteration, error
};

}  // namespace teravox
