-- SPDX-License-Identifier: Apache-2.0
-- NAME stands for a schema's name, which can not be a parameter; it was checked to be letters, digits and '_'.
CREATE SCHEMA IF NOT EXISTS NAME
