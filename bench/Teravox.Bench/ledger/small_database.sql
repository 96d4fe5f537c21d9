-- SPDX-License-Identifier: Apache-2.0
CREATE DATABASE small;
