-- SPDX-License-Identifier: Apache-2.0
SELECT stage_finish($1, $2)
