-- SPDX-License-Identifier: Apache-2.0
UPDATE experiment SET state = 'failed', ended = clock_ms(@given)
WHERE id = @experimentId AND state IN ('running', 'paused')
