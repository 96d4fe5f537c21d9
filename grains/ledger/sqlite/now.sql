-- SPDX-License-Identifier: Apache-2.0
-- The database's clock, unless a test passes a time in.
SELECT coalesce(@given, CAST(unixepoch('subsec') * 1000 AS INTEGER))
