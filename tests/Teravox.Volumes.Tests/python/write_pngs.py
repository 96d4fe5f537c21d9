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


def predicted(filter, left, above, corner):
    """What a filter takes from a byte, by the letter of the specification."""
    if filter == 4:
        p = left + above - corner
        return min((abs(p - left), 0, left), (abs(p - above), 1, above), (abs(p - corner), 2, corner))[2]
    return (0, left, above, (left + above) // 2)[filter]


def rows(samples, bits, filters):
    """Packed rows, each with a filter byte; every filter in turn, or none."""
    result, above = b"", None
    unit = max(1, samples.shape[2] * bits // 8)
    for y, row in enumerate(samples.reshape(samples.shape[0], -1)):
        if bits == 16:
            packed = row.astype(">u2").tobytes()
        elif bits == 8:
            packed = row.astype(np.uint8).tobytes()
        else:
            unpacked = (row[:, None] >> np.arange(bits - 1, -1, -1)) & 1
            packed = np.packbits(unpacked.astype(np.uint8).ravel()).tobytes()
        filter = (y + 1) % 5 if filters else 0
        above = above or bytes(len(packed))
        result += bytes([filter]) + bytes(
            (b - predicted(filter, packed[i - unit] if i >= unit else 0, above[i], above[i - unit] if i >= unit else 0)) & 255
            for i, b in enumerate(packed))
        above = packed
    return result


def png(name, samples, bits, colour_type, palette=None, filters=False, interlaced=False, pieces=1):
    """samples: (height, width, channels)."""
    height, width = samples.shape[:2]
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)) if interlaced else ((0, 0, 1, 1),)
    parts = [samples[y::dy, x::dx] for x, y, dx, dy in passes]
    packed = zlib.compress(b"".join(rows(part, bits, filters) for part in parts if part.size))
    body = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, int(interlaced)))
    body += chunk(b"tEXt", b"Comment\0nothing")
    if palette is not None:
        body += chunk(b"PLTE", bytes(c for colour in palette for c in colour))
        body += chunk(b"tRNS", bytes(len(palette)))
    step = -(-len(packed) // pieces)
    for at in range(0, len(packed), step):
        body += chunk(b"IDAT", packed[at:at + step])
    body += chunk(b"tIME", bytes(7)) + chunk(b"IEND", b"")
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
deep = smooth(23, 29, 65535)
png("grey-alpha-16", np.stack([deep, 65535 - deep], -1), 16, 4)
note("grey-alpha-16", deep, "Grey16", 16)

# Every filter, whole and in Adam7's passes, and images too small for some of these.
for interlaced in (False, True):
    kind = "interlaced" if interlaced else "filtered"
    options = dict(filters=True, interlaced=interlaced, pieces=3)
    png(f"{kind}-8", rgb[..., :1], 8, 0, **options)
    note(f"{kind}-8", rgb[..., 0], "Grey8", 8)
    png(f"{kind}-16", deep[..., None], 16, 0, **options)
    note(f"{kind}-16", deep, "Grey16", 16)
    png(f"{kind}-rgba", rgb, 8, 6, **options)
    note(f"{kind}-rgba", rgb[..., :3], "Rgb8", 8)
    mask = smooth(23, 29, 1)
    png(f"{kind}-1", mask[..., None], 1, 0, **options)
    note(f"{kind}-1", mask * 255, "Grey8", 1)
    png(f"{kind}-palette-2", smooth(23, 29, 2)[..., None], 2, 3, [(9, 8, 7), (6, 5, 4), (3, 2, 1)], **options)
    note(f"{kind}-palette-2", smooth(23, 29, 2), "Palette8", 2, [0x090807, 0x060504, 0x030201])
for height, width in ((1, 1), (1, 5), (3, 2), (9, 1)):
    png(f"interlaced-{height}x{width}", rgb[:height, :width, :3], 8, 2, interlaced=True)
    note(f"interlaced-{height}x{width}", rgb[:height, :width, :3], "Rgb8", 8)

big = smooth(301, 257, 255).astype(np.uint8)
Image.fromarray(big).save(f"{folder}/pil.png", optimize=True, dpi=(72, 72))
note("pil", big, "Grey8", 8)
json.dump(index, open(f"{folder}/index.json", "w"))
