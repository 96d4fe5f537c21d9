-- SPDX-License-Identifier: Apache-2.0
INSERT INTO event (experiment_id, at, kind, stage, text) VALUES (@experimentId, @now, @kind, @stage, @text)
