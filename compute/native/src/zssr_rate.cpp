// SPDX-License-Identifier: Apache-2.0
#include "zssr_rate.h"

#include <cmath>

namespace teravox {
namespace {

constexpr double kSlopeRatio = 1.5;

// Least squares of error = slope * iteration + c: the slope and its standard error (n - 2 degrees of freedom).
std::pair<double, double> fit(const std::deque<std::pair<double, double>> &points) {
  const double n = static_cast<double>(points.size());
  double x = 0, y = 0;
  for (const auto &p : points) x += p.first / n, y += p.second / n;
  double xx = 0, xy = 0;
  for (const auto &p : points) xx += (p.first - x) * (p.first - x), xy += (p.first - x) * (p.second - y);
  const double slope = xy / xx;
  double residual = 0;
  for (const auto &p : points) residual += std::pow(p.second - y - slope * (p.first - x), 2);
  return {slope, std::sqrt(residual / (n - 2) / xx)};
}

}  // namespace

void LearningRateRule::report(int64_t iteration, double error) {
  errors_.emplace_back(static_cast<double>(iteration), error);
  if (errors_.size() > kFitted) errors_.pop_front();
}

void LearningRateRule::consider(int64_t iteration) {
  if ((iteration + 1) % kCheckEvery != 0 || iteration - changed_ <= kLeastBetween || errors_.size() < kFitted) return;
  const auto [slope, spread] = fit(errors_);
  // An error that stands still to the last bit has slope and spread 0, and has ended as well.
  if (-kSlopeRatio * slope < spread || (slope == 0 && spread == 0)) lower(iteration);
}

void LearningRateRule::lower(int64_t iteration) {
  rate_ /= 10;
  changed_ = iteration;
}

}  // namespace teravox
