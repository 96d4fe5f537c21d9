-- SPDX-License-Identifier: Apache-2.0
SELECT c.holder FROM chaos_commit c WHERE c.item = ANY(@items)
