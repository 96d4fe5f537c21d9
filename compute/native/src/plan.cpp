// SPDX-License-Identifier: Apache-2.0
#include "plan.h"

#include <algorithm>

namespace teravox {
namespace {

Interval clip(Interval interval, int64_t size) {
  return {std::max<int64_t>(interval.lo, 0), std::min(interval.hi, size)};
}

}  // namespace

Box whole_box(const Triple &size) {
  return {{Interval{0, size[0]}, Interval{0, size[1]}, Interval{0, size[2]}}};
}

Box hull(const Box &a, const Box &b) {
  return {{hull(a[0], b[0]), hull(a[1], b[1]), hull(a[2], b[2])}};
}

Box grow(const Box &box, int64_t by, const Triple &size) {
  Box grown;
  for (int a = 0; a < 3; ++a) grown[a] = clip({box[a].lo - by, box[a].hi + by}, size[static_cast<size_t>(a)]);
  return grown;
}

Plan make_plan(const tvx_arch &arch, const Triple &block, const Box &core) {
  Plan plan;
  plan.levels.resize(static_cast<size_t>(arch.levels));
  plan.levels[0].size = block;
  for (int k = 1; k < arch.levels; ++k) {
    Triple factors = pool_factors(arch, k - 1);
    for (size_t a = 0; a < 3; ++a) plan.levels[k].size[a] = plan.levels[k - 1].size[a] / factors[a];
  }
  if (arch.order == TVX_ORDER_GCR) {
    for (LevelPlan &level : plan.levels) {
      Box whole = whole_box(level.size);
      level.encoder_in = level.encoder_mid = level.encoder_out = whole;
      level.joined = level.decoder_mid = level.decoder_out = whole;
    }
    plan.levels[0].decoder_out = core;
    return plan;
  }
  Box output = core;
  for (int k = 0; k < arch.levels - 1; ++k) {
    LevelPlan &level = plan.levels[k];
    level.decoder_out = output;
    level.decoder_mid = grow(output, 1, level.size);
    level.joined = grow(output, 2, level.size);
    for (int a = 0; a < 3; ++a) {
      output[a] = clip(upsample_input(level.joined[a], arch.pool[k][a], arch.upsample),
                       plan.levels[k + 1].size[static_cast<size_t>(a)]);
    }
  }
  for (int k = arch.levels - 1; k >= 0; --k) {
    LevelPlan &level = plan.levels[k];
    if (k == arch.levels - 1) {
      level.encoder_out = output;
    } else {
      Box pooled;
      for (int a = 0; a < 3; ++a) pooled[a] = pool_input(plan.levels[k + 1].encoder_in[a], arch.pool[k][a]);
      level.encoder_out = hull(level.joined, pooled);
    }
    level.encoder_mid = grow(level.encoder_out, 1, level.size);
    level.encoder_in = grow(level.encoder_out, 2, level.size);
  }
  return plan;
}

}  // namespace teravox
