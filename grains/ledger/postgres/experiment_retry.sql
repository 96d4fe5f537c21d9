-- SPDX-License-Identifier: Apache-2.0
UPDATE experiment SET state = 'running', ended = NULL WHERE id = @experimentId AND state = 'failed'
