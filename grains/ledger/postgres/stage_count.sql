-- SPDX-License-Identifier: Apache-2.0
SELECT stage_count(@stageId, @more, @names, @lengths, @counts)
