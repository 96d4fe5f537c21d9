-- SPDX-License-Identifier: Apache-2.0
UPDATE experiment SET state = 'paused' WHERE id = @experimentId AND state = 'running'
