// SPDX-License-Identifier: Apache-2.0
#include <ATen/Parallel.h>

#include <future>
#include <thread>

#include "check.h"
#include "device.h"

using namespace teravox;

// A thread that has not computed yet must not fall back to the count that another asked for last: the sums of a
// training come out in another order with another count, so its bytes would depend on what the process does beside it.
TEST(UseThreads_WhenAnotherThreadAsksForMore_KeepsItsOwnCount) {
  std::promise<void> mine_set, others_set;
  int count = 0;
  std::thread mine([&] {
    use_threads(1);
    mine_set.set_value();
    others_set.get_future().wait();
    at::parallel_for(0, 1, 1, [&](int64_t, int64_t) {});
    count = at::get_num_threads();
  });
  std::thread other([&] {
    mine_set.get_future().wait();
    use_threads(2);
    others_set.set_value();
  });
  mine.join();
  other.join();
  CHECK_EQUAL(count, 1);
}

CHECK_MAIN
