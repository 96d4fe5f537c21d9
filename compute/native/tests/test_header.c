/* SPDX-License-Identifier: Apache-2.0
 *
 * teravox.h as C: compiles with -pedantic, and the example at its top runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "teravox.h"

static int failures = 0;

static void check(int condition, const char *what) {
  if (!condition) {
    fprintf(stderr, "failed: %s (%s)\n", what, tvx_last_error());
    ++failures;
  }
}

static int32_t stop_at_once(void *user) {
  ++*(int *)user;
  return 1;
}

int main(void) {
  tvx_arch arch, read;
  tvx_model *model = NULL;
  tvx_session *session = NULL;
  uint8_t voxels[16 * 16 * 16], probabilities[2 * 4 * 4 * 4];
  int32_t reach[3], grid[3];
  int calls = 0;
  size_t i;

  check(tvx_abi_version() == TVX_ABI_VERSION, "abi version");
  check(strlen(tvx_build_info()) > 0, "build info");
  check(tvx_cuda_device_count() >= 0, "device count");
  check(strcmp(tvx_last_error(), "") == 0, "no error yet");

  tvx_arch_defaults(&arch);
  check(arch.levels == 4 && arch.f_maps == 32 && arch.order == TVX_ORDER_CBR && arch.pool[6][2] == 2, "defaults");
  arch.levels = 2;
  arch.f_maps = 4;
  arch.out_channels = 2;
  check(tvx_arch_reach(&arch, reach, grid) == TVX_OK && reach[0] == 9 && grid[2] == 2, "reach");
  check(tvx_model_create(&arch, 1, &model) == TVX_OK, "create");
  check(tvx_model_arch(model, &read) == TVX_OK && read.f_maps == 4, "arch of the model");
  check(tvx_model_parameter_count(model) > 0 && tvx_model_tensor_count(model) == 38, "counts");
  check(strcmp(tvx_model_tensor_name(model, 0), "encoders.0.basic_module.SingleConv1.conv.weight") == 0, "name");
  check(tvx_model_tensor_name(model, -1) == NULL && tvx_model_tensor_name(model, 38) == NULL, "no such tensor");
  check(tvx_session_create(model, "cpu", 1, &session) == TVX_OK, "session");
  tvx_model_free(model);

  for (i = 0; i < sizeof(voxels); ++i) voxels[i] = (uint8_t)(i * 37);
  memset(probabilities, 0, sizeof(probabilities));
  {
    tvx_tile tile = {NULL, TVX_UINT8, {16, 16, 16}, {6, 6, 6}, {4, 4, 4}, 127.5f, 70.0f};
    tvx_callbacks callbacks = {stop_at_once, NULL, NULL};
    tile.voxels = voxels;
    callbacks.user = &calls;
    check(tvx_session_infer(session, &tile, probabilities, &callbacks) == TVX_ABORTED && calls == 1, "abort");
    check(tvx_session_infer(session, &tile, probabilities, NULL) == TVX_OK, "infer");
    check(probabilities[0] > 0 && probabilities[sizeof(probabilities) - 1] > 0, "probabilities written");
    tile.std = 0;
    check(tvx_session_infer(session, &tile, probabilities, NULL) == TVX_BAD_ARGUMENT, "std 0");
    check(strstr(tvx_last_error(), "std") != NULL, "the text names it");
  }
  tvx_session_free(session);
  tvx_session_free(NULL);
  tvx_model_free(NULL);
  return failures == 0 ? 0 : 1;
}
