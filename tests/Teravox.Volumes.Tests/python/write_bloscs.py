# SPDX-License-Identifier: Apache-2.0
"""Packs buffers with every codec, shuffle, element size and length that blosc distinguishes; NAME.raw has the bytes, index.json the list."""
import json
import sys

import numcodecs
import numpy as np
from numcodecs import blosc

folder = sys.argv[1]
index = []
rng = np.random.default_rng(7)
for codec in blosc.list_compressors():
    for shuffle in (0, 1, 2):
        for size, kind in ((1, "u1"), (2, "u2"), (4, "u4"), (8, "u8"), (16, "V16"), (20, "V20")):
            # Empty, below the least that is packed, a few elements, not a multiple of 8, several blocks and a shorter one.
            for elements, level, block in ((1, 5, 0), (60, 5, 0), (1000, 9, 0), (4099, 1, 0), (70003, 5, 0), (20001, 3, 4096), (3000, 0, 0)):
                count = elements * size
                plain = (np.arange(count) // size * 3 % 251 + rng.integers(0, 3, count)).astype(np.uint8)
                # A run and a repeat from far away.
                plain[count // 2:count * 3 // 4] = 7
                plain[count * 7 // 8:] = plain[:count - count * 7 // 8]
                packed = numcodecs.Blosc(codec, level, shuffle, block).encode(np.frombuffer(plain.tobytes(), kind))
                name = f"{codec}-{shuffle}-{size}-{elements}"
                open(f"{folder}/{name}.blosc", "wb").write(packed)
                open(f"{folder}/{name}.raw", "wb").write(plain.tobytes())
                index.append(name)
json.dump(index, open(f"{folder}/index.json", "w"))
