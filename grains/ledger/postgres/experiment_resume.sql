-- SPDX-License-Identifier: Apache-2.0
UPDATE experiment SET state = 'running' WHERE id = @experimentId AND state = 'paused'
