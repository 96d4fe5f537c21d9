-- SPDX-License-Identifier: Apache-2.0
UPDATE experiment SET state = 'cancelled', ended = @now WHERE id = @experimentId AND state IN ('running', 'paused')
