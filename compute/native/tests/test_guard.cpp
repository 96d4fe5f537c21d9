// SPDX-License-Identifier: Apache-2.0
#include <c10/util/Exception.h>

#include <new>
#include <stdexcept>
#include <thread>

#include "check.h"
#include "guard.h"

using namespace teravox;

TEST(Guard_WhenABodyThrows_GivesItsStatusAndText) {
  CHECK_EQUAL(guard([] {}), TVX_OK);
  CHECK_EQUAL(guard([] { throw Error(TVX_MISMATCH, "a text"); }), TVX_MISMATCH);
  CHECK_EQUAL(std::string(tvx_last_error()), "a text");
  CHECK_EQUAL(guard([] { throw std::bad_alloc(); }), TVX_NO_MEMORY);
  CHECK_EQUAL(guard([] { throw std::out_of_range("place"); }), TVX_INTERNAL);
  CHECK_EQUAL(std::string(tvx_last_error()), "place");
  CHECK_EQUAL(guard([] { throw 7; }), TVX_INTERNAL);
  CHECK_EQUAL(guard([] { TORCH_CHECK(false, "shapes\nmore"); }), TVX_INTERNAL);
  CHECK_EQUAL(std::string(tvx_last_error()), "shapes");
  CHECK_EQUAL(guard([] { TORCH_CHECK(false, "CUDA out of memory. Tried to allocate"); }), TVX_NO_MEMORY);
  CHECK_EQUAL(guard([] { TORCH_CHECK_WITH(OutOfMemoryError, false, "anything"); }), TVX_NO_MEMORY);
  CHECK_EQUAL(guard([] { require(nullptr, "tile"); }), TVX_BAD_ARGUMENT);
}

TEST(LastError_WhenTheTextIsLongOrNoUtf8_IsOneLineOfWholeCharacters) {
  guard([] { throw Error(TVX_IO, std::string(5000, 'x')); });
  CHECK_EQUAL(std::string(tvx_last_error()).size(), 1023u);
  guard([] { throw Error(TVX_IO, "a\xff\xf5z\x01\xc3\xa9 \xe2\x82\xac \xe2\x82"); });
  CHECK_EQUAL(std::string(tvx_last_error()), "a??z?\xc3\xa9 \xe2\x82\xac ??");
  std::string cut(1022, 'x');
  guard([&] { throw Error(TVX_IO, cut + "\xc3\xa9"); });
  CHECK_EQUAL(std::string(tvx_last_error()), cut);
}

TEST(LastError_WhenAnotherThreadFails_StaysAsItWas) {
  guard([] { throw Error(TVX_IO, "mine"); });
  std::thread([] {
    CHECK_EQUAL(std::string(tvx_last_error()), "");
    guard([] { throw Error(TVX_IO, "yours"); });
  }).join();
  CHECK_EQUAL(std::string(tvx_last_error()), "mine");
}

CHECK_MAIN
