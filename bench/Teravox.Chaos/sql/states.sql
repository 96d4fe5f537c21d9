-- SPDX-License-Identifier: Apache-2.0
-- Every stored version, grain by grain, in the order of its writes.
SELECT type, grain, version, removed, state FROM chaos_state ORDER BY type, grain, id
