// SPDX-License-Identifier: Apache-2.0
#include "teravox_codecs.h"

typedef char info_has_no_hidden_padding[sizeof(tvc_image_info) == 32 ? 1 : -1];
