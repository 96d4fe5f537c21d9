# SPDX-License-Identifier: Apache-2.0
"""Writes PNG variants; see write_tiffs.py for the index. Those that PIL cannot write are put together by hand."""
import json
import struct
import sys
import zlib

import numpy as np
from PIL import Image

folder = sys.argv[1]
index = []


def smooth(height, width, top, seed=0):
    y, x = np.mgrid[:height, :width]
    return (y * 3 + x * 5 + seed * 11) * (1 if top < 256 else 97) % (top + 1)


def note(name, pixels, kind, bits, palette=None):
    with open(f"{folder}/{name}.raw", "wb") as f:
        f.write(np.ascontiguousarray(pixels).astype("<u2" if kind == "Grey16" else np.uint8).tobytes())
    index.append(dict(name=name + ".png", raw=name + ".raw", pages=1, height=pixels.shape[0], width=pixels.shape[1],
                      kind=kind, bits=bits, palette=palette))


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(name, samples, bits, colour_type, palette=None):
    """samples: (height, width, channels), written without a filter."""
    height, width = samples.shape[:2]
    rows = b""
    for row in samples.reshape(height, -1):
        if bits == 16:
            packed = row.astype(">u2").tobytes()
        elif bits == 8:
            packed = row.astype(np.uint8).tobytes()
        else:
            unpacked = (row[:, None] >> np.arange(bits - 1, -1, -1)) & 1
            packed = np.packbits(unpacked.astype(np.uint8).ravel()).tobytes()
        rows += b"\0" + packed
    body = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0))
    if palette is not None:
        body += chunk(b"PLTE", bytes(c for colour in palette for c in colour))
    body += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    open(f"{folder}/{name}.png", "wb").write(body)


for bits in (1, 2, 4, 8, 16):
    grey = smooth(23, 29, 2 ** bits - 1)
    png(f"grey-{bits}", grey[..., None], bits, 0)
    note(f"grey-{bits}", grey * (255 // (2 ** bits - 1)) if bits < 8 else grey, "Grey16" if bits == 16 else "Grey8", bits)
for bits in (1, 2, 4, 8):
    count = min(2 ** bits, 200)
    indices = smooth(23, 29, count - 1)
    colours = [(i, 255 - i, i * 7 % 256) for i in range(count)]
    png(f"palette-{bits}", indices[..., None], bits, 3, colours)
    note(f"palette-{bits}", indices, "Palette8", bits, [r << 16 | g << 8 | b for r, g, b in colours])
rgb = np.stack([smooth(23, 29, 255, s) for s in range(4)], -1)
png("rgb", rgb[..., :3], 8, 2)
note("rgb", rgb[..., :3], "Rgb8", 8)
png("rgba", rgb, 8, 6)
note("rgba", rgb[..., :3], "Rgb8", 8)
png("grey-alpha", rgb[..., :2], 8, 4)
note("grey-alpha", rgb[..., 0], "Grey8", 8)
png("refused-rgb16", rgb[..., :3], 16, 2)

big = smooth(301, 257, 255).astype(np.uint8)
Image.fromarray(big).save(f"{folder}/pil.png", optimize=True, dpi=(72, 72))
note("pil", big, "Grey8", 8)
json.dump(index, open(f"{folder}/index.json", "w"))
