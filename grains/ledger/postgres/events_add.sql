-- SPDX-License-Identifier: Apache-2.0
SELECT events_add(@experiments, @kinds, @stages, @texts, clock_ms(@given))
