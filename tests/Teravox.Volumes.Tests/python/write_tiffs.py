# SPDX-License-Identifier: Apache-2.0
"""Writes TIFF variants into a folder, with the pixels that a reader must find in NAME.raw (native order) and an index."""
import json
import sys

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

# Kinds that must be refused with a reason.
for name, array in (("float", smooth(9, 9, np.uint8).astype(np.float32)), ("signed", smooth(9, 9, np.uint8).astype(np.int16)),
                    ("deep", smooth(9, 9, np.uint8).astype(np.uint32))):
    tifffile.imwrite(f"{folder}/refused-{name}.tif", array)
Image.fromarray(rgb).save(f"{folder}/refused-jpeg.tif", compression="jpeg")

json.dump(index, open(f"{folder}/index.json", "w"))
