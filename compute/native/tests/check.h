// SPDX-License-Identifier: Apache-2.0
//
// The whole test framework: CHECK notes a failure and goes on, TEST registers a function, CHECK_MAIN runs them all
// (or those whose name contains the first argument) and returns 1 when anything failed.
#pragma once

// libtorch's logging defines a CHECK that aborts: its header must come first, to be overridden here for good.
#include <c10/util/Logging.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace check {

inline std::vector<std::pair<const char *, std::function<void()>>> &tests() {
  static std::vector<std::pair<const char *, std::function<void()>>> all;
  return all;
}

inline int &failures() {
  static int count = 0;
  return count;
}

inline void fail(const char *file, int line, const std::string &text) {
  ++failures();
  std::fprintf(stderr, "%s:%d: %s\n", file, line, text.c_str());
}

struct Registered {
  Registered(const char *name, std::function<void()> body) { tests().emplace_back(name, std::move(body)); }
};

template <typename A, typename B>
void equal(const char *file, int line, const char *text, const A &a, const B &b) {
  if (a == b) return;
  std::ostringstream out;
  out << text << ": " << a << " is not " << b;
  fail(file, line, out.str());
}

inline int run(int argc, char **argv) {
  int ran = 0;
  for (const auto &test : tests()) {
    if (argc > 1 && std::strstr(test.first, argv[1]) == nullptr) continue;
    int before = failures();
    auto start = std::chrono::steady_clock::now();
    try {
      test.second();
    } catch (const std::exception &e) {
      fail(test.first, 0, std::string("threw ") + e.what());
    }
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf("%s %s (%.1f s)\n", failures() == before ? "ok  " : "FAIL", test.first, took.count());
    std::fflush(stdout);
    ++ran;
  }
  std::printf("%d tests, %d failed checks\n", ran, failures());
  return failures() == 0 && ran > 0 ? 0 : 1;
}

}  // namespace check

#undef CHECK
#define CHECK(condition)                                           \
  do {                                                             \
    if (!(condition)) check::fail(__FILE__, __LINE__, #condition); \
  } while (false)
#define CHECK_EQUAL(a, b) check::equal(__FILE__, __LINE__, #a " == " #b, (a), (b))
#define TEST(name)                                               \
  static void name();                                            \
  static const check::Registered registered_##name(#name, name); \
  static void name()
#define CHECK_MAIN                  \
  int main(int argc, char **argv) { \
    return check::run(argc, argv);  \
  }
