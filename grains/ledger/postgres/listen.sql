-- SPDX-License-Identifier: Apache-2.0
-- LISTEN takes no expression; the channel is the one of the function ring().
DO $$ BEGIN EXECUTE format('LISTEN %I', 'teravox.' || current_schema()); END $$
