-- SPDX-License-Identifier: Apache-2.0
SELECT item_commit($1, $2, $3, $4, $5, $6, $7, $8, $9)
