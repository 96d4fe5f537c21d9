-- SPDX-License-Identifier: Apache-2.0
UPDATE stage SET leased = 0 WHERE experiment_id = @experimentId AND leased > 0
