-- SPDX-License-Identifier: Apache-2.0
-- For the few transactions that may take long.
SET LOCAL statement_timeout = 0
