# SPDX-License-Identifier: Apache-2.0
"""Writes TIFF variants into a folder, with the pixels that a reader must find in NAME.raw (native order) and an index."""
import json
import struct
import sys
import zlib

import numpy as np
import tifffile
from PIL import Image

folder = sys.argv[1]
index = []
rng = np.random.default_rng(5)


def smooth(height, width, dtype, seed=0):
    y, x = np.mgrid[:height, :width]
    top = np.iinfo(dtype).max
    return ((y * 3 + x * 5 + seed * 11 + rng.integers(0, 3, (height, width))) * (1 if top == 255 else 97) % (top + 1)).astype(dtype)


def note(name, pages, kind, bits=None, palette=None):
    pages = [np.ascontiguousarray(p) for p in pages]
    with open(f"{folder}/{name}.raw", "wb") as f:
        for page in pages:
            f.write(page.astype(page.dtype.newbyteorder("<")).tobytes())
    index.append(dict(name=name + ".tif", raw=name + ".raw", pages=len(pages), height=pages[0].shape[0],
                      width=pages[0].shape[1], kind=kind, bits=bits or 8 * pages[0].dtype.itemsize, palette=palette))


for dtype, kind in ((np.uint8, "Grey8"), (np.uint16, "Grey16")):
    n = np.dtype(dtype).itemsize * 8
    for order, letter in (("<", "le"), (">", "be")):
        for big in (False, True):
            image = smooth(61, 45, dtype)
            name = f"strips-{n}-{letter}{'-big' if big else ''}"
            tifffile.imwrite(f"{folder}/{name}.tif", image, byteorder=order, bigtiff=big, rowsperstrip=7)
            note(name, [image], kind)
        image = smooth(70, 83, dtype)
        name = f"tiles-{n}-{letter}"
        tifffile.imwrite(f"{folder}/{name}.tif", image, byteorder=order, tile=(32, 16))
        note(name, [image], kind)
        name = f"tiles-zlib-{n}-{letter}"
        tifffile.imwrite(f"{folder}/{name}.tif", image, byteorder=order, tile=(16, 32), compression="zlib")
        note(name, [image], kind)
        name = f"white-{n}-{letter}"
        tifffile.imwrite(f"{folder}/{name}.tif", np.iinfo(dtype).max - image, byteorder=order, photometric="miniswhite")
        note(name, [image], kind)
        pages = [smooth(20, 31, dtype, seed) for seed in range(5)]
        name = f"pages-{n}-{letter}"
        with tifffile.TiffWriter(f"{folder}/{name}.tif", byteorder=order) as tiff:
            for page in pages:
                tiff.write(page, contiguous=False, metadata=None)
        note(name, pages, kind)
    for compression in ("raw", "tiff_lzw", "packbits", "tiff_deflate", "tiff_adobe_deflate"):
        image = smooth(64, 100, dtype)
        name = f"pil-{compression}-{n}"
        Image.fromarray(image).save(f"{folder}/{name}.tif", compression=compression)
        note(name, [image], kind)
    image = smooth(64, 100, dtype)
    name = f"predictor-{n}"
    tifffile.imwrite(f"{folder}/{name}.tif", image, compression="zlib", predictor=True)
    note(name, [image], kind)

# Above 4 GiB ImageJ writes one page and leaves the others without a directory.
for dtype, kind in ((np.uint8, "Grey8"), (np.uint16, "Grey16")):
    pages = np.stack([smooth(20, 31, dtype, seed) for seed in range(5)])
    for order, letter in (("<", "le"), (">", "be")):
        name = f"imagej-{np.dtype(dtype).itemsize * 8}-{letter}"
        tifffile.imwrite(f"{folder}/{name}.tif", pages, byteorder=order, imagej=True, truncate=True)
        note(name, list(pages), kind)

# A thumbnail between the pages is not a slice.
pages = [smooth(24, 24, np.uint8, seed) for seed in range(3)]
with tifffile.TiffWriter(f"{folder}/thumbnails.tif") as tiff:
    for page in pages:
        tiff.write(page, contiguous=False, metadata=None)
        tiff.write(page[::4, ::4], contiguous=False, metadata=None, subfiletype=1)
note("thumbnails", pages, "Grey8")

# Nor need it be a whole one.
with tifffile.TiffFile(f"{folder}/thumbnails.tif") as tiff:
    small = [page.tags[273].offset for page in tiff.pages if page.subfiletype == 1]
damaged = bytearray(open(f"{folder}/thumbnails.tif", "rb").read())
for at in small:
    damaged[at + 8:at + 12] = b"\xff" * 4
open(f"{folder}/thumbnails-damaged.tif", "wb").write(damaged)
note("thumbnails-damaged", pages, "Grey8")

mask = (smooth(40, 37, np.uint8) > 128)
for compression in ("raw", "packbits", "tiff_lzw"):
    Image.fromarray(mask).save(f"{folder}/bits-{compression}.tif", compression=compression)
    note(f"bits-{compression}", [mask.astype(np.uint8) * 255], "Grey8", bits=1)

indices = smooth(33, 44, np.uint8) % 9
colours = [(i, 255 - i, i * 3 % 256) for i in range(256)]
image = Image.fromarray(indices, mode="P")
image.putpalette([c for colour in colours for c in colour])
image.save(f"{folder}/palette.tif", compression="tiff_lzw")
note("palette", [indices], "Palette8", palette=[r << 16 | g << 8 | b for r, g, b in colours])

rgb = np.stack([smooth(30, 20, np.uint8, s) for s in range(3)], -1)
tifffile.imwrite(f"{folder}/rgb.tif", rgb, photometric="rgb")
note("rgb", [rgb], "Rgb8")
tifffile.imwrite(f"{folder}/rgb-planes.tif", np.moveaxis(rgb, -1, 0), photometric="rgb", planarconfig="separate")
note("rgb-planes", [rgb], "Rgb8")
rgba = np.concatenate([rgb, 255 - rgb[..., :1]], -1)
tifffile.imwrite(f"{folder}/rgba.tif", rgba, photometric="rgb", extrasamples=["unassalpha"], tile=(16, 16))
note("rgba", [rgb], "Rgb8")

# Predictor and LZW, and a table of codes that fills up many times.
for dtype, kind in ((np.uint8, "Grey8"), (np.uint16, "Grey16")):
    image = smooth(300, 257, dtype)
    name = f"lzw-predictor-{np.dtype(dtype).itemsize * 8}"
    Image.fromarray(image).save(f"{folder}/{name}.tif", compression="tiff_lzw", tiffinfo={317: 2})
    note(name, [image], kind)
Image.fromarray(rgb).save(f"{folder}/lzw-predictor-rgb.tif", compression="tiff_lzw", tiffinfo={317: 2})
note("lzw-predictor-rgb", [rgb], "Rgb8")
flat = np.repeat(smooth(1, 500, np.uint8), 400, 0) // 64 * 64
Image.fromarray(flat).save(f"{folder}/lzw-flat.tif", compression="tiff_lzw")
note("lzw-flat", [flat], "Grey8")


# What no program here writes is put together by hand.
def by_hand(name, pixels, data, bits, photometric, fields=(), order="<"):
    height, width = pixels.shape
    body = data + bytes(len(data) % 2)
    every = {256: ("I", [width]), 257: ("I", [height]), 258: ("H", [bits]), 259: ("H", [1]), 262: ("H", [photometric]),
             273: ("I", [8]), 277: ("H", [1]), 278: ("I", [height]), 279: ("I", [len(data)]), **dict(fields)}
    entries = b""
    for tag, (code, values) in sorted((tag, field) for tag, field in every.items() if field):
        packed = struct.pack(f"{order}{len(values)}{code}", *values)
        if len(packed) > 4:
            packed, body = struct.pack(order + "I", 8 + len(body)), body + packed
        entries += struct.pack(order + "HHI", tag, dict(H=3, I=4)[code], len(values)) + packed.ljust(4, b"\0")
    start = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8 + len(body))
    with open(f"{folder}/{name}.tif", "wb") as f:
        f.write(start + body + struct.pack(order + "H", len(entries) // 12) + entries + bytes(4))


def pack(image, bits):
    unpacked = (image[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    return b"".join(np.packbits(row.astype(np.uint8).ravel()).tobytes() for row in unpacked)


def mirrored(data):
    return bytes(int(f"{b:08b}"[::-1], 2) for b in data)


def old_lzw(data):
    """Codes from the lowest bit on, wider when needed: what programs wrote before TIFF 5.0."""
    codes, table, text = [(256, 9)], {bytes([b]): b for b in range(256)}, b""
    for b in data:
        if text + bytes([b]) in table:
            text += bytes([b])
            continue
        codes.append((table[text], max(9, (len(table) + 1).bit_length())))
        table[text + bytes([b])] = len(table) + 2
        text = bytes([b])
        if len(table) > 4000:
            codes.append((256, 12))
            table = {key: code for key, code in table.items() if code < 256}
    codes += [(table[text], max(9, (len(table) + 1).bit_length()))]
    value = at = 0
    for code, width in codes:
        value, at = value | code << at, at + width
    return value.to_bytes(-(-at // 8), "little")


for bits in (2, 4):
    image = smooth(21, 31, np.uint8) % 2 ** bits
    by_hand(f"grey-{bits}", image, pack(image, bits), bits, 1)
    note(f"grey-{bits}", [image * (255 // (2 ** bits - 1))], "Grey8", bits=bits)
    by_hand(f"white-{bits}", image, pack(image, bits), bits, 0, order=">")
    note(f"white-{bits}", [255 - image * (255 // (2 ** bits - 1))], "Grey8", bits=bits)
    reds = [17 * i for i in range(2 ** bits)]
    by_hand(f"palette-{bits}", image, pack(image, bits), bits, 3, {320: ("H", [257 * c for c in reds + reds[::-1] + reds])})
    note(f"palette-{bits}", [image], "Palette8", bits=bits, palette=[r << 16 | g << 8 | r for r, g in zip(reds, reds[::-1])])
image = smooth(21, 31, np.uint8)
plain = image.tobytes()
by_hand("palette-small-colours", image, plain, 8, 3, {320: ("H", [*range(256)] * 3)})
note("palette-small-colours", [image], "Palette8", palette=[i * 0x10101 for i in range(256)])
by_hand("palette-one-table", image, plain, 8, 3, {320: ("H", [257 * i for i in range(256)])})
note("palette-one-table", [image], "Palette8", palette=[i * 0x10101 for i in range(256)])
by_hand("palette-missing", image, plain, 8, 3)
note("palette-missing", [image], "Grey8")
by_hand("mirrored", image, mirrored(plain), 8, 1, {266: ("H", [2])})
note("mirrored", [image], "Grey8")
by_hand("mirrored-deflate", image, mirrored(zlib.compress(plain)), 8, 1, {266: ("H", [2]), 259: ("H", [8])})
note("mirrored-deflate", [image], "Grey8")
by_hand("no-counts", image, plain, 8, 1, {279: None})
note("no-counts", [image], "Grey8")
by_hand("no-counts-deflate", image, zlib.compress(plain), 8, 1, {279: None, 259: ("H", [32946])})
note("no-counts-deflate", [image], "Grey8")
by_hand("wrong-count", image, plain, 8, 1, {279: ("I", [7])})
note("wrong-count", [image], "Grey8")
planes = np.moveaxis(rgb, -1, 0)
for name, parts, compression in (("raw", [p.tobytes() for p in planes], 1), ("deflate", [zlib.compress(p.tobytes()) for p in planes], 8)):
    starts = [8 + sum(map(len, parts[:i])) for i in range(3)]
    by_hand(f"no-counts-planes-{name}", rgb[..., 0], b"".join(parts), 8, 2,
            {258: ("H", [8] * 3), 259: ("H", [compression]), 273: ("I", starts), 277: ("H", [3]), 279: None, 284: ("H", [2])})
    note(f"no-counts-planes-{name}", [rgb], "Rgb8")
image = np.tile(smooth(40, 50, np.uint8), (3, 2))
by_hand("lzw-old", image, old_lzw(image.tobytes()), 8, 1, {259: ("H", [5])})
note("lzw-old", [image], "Grey8")

# Kinds that must be refused with a reason.
for name, array in (("float", smooth(9, 9, np.uint8).astype(np.float32)), ("signed", smooth(9, 9, np.uint8).astype(np.int16)),
                    ("deep", smooth(9, 9, np.uint8).astype(np.uint32))):
    tifffile.imwrite(f"{folder}/refused-{name}.tif", array)
Image.fromarray(rgb).save(f"{folder}/refused-jpeg.tif", compression="jpeg")

json.dump(index, open(f"{folder}/index.json", "w"))
