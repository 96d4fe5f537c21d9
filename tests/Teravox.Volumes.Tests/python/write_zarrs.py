# SPDX-License-Identifier: Apache-2.0
"""Writes Zarr v2 arrays as other programs do; NAME.raw has the voxels in native order, index.json the list."""
import json
import sys

import numcodecs
import numpy as np
import zarr

folder = sys.argv[1]
index = []


def smooth(shape, dtype, seed=0):
    grid = np.indices(shape)
    return (sum(g * w for g, w in zip(grid, (31, 7, 3, 1))) * (1 if np.dtype(dtype).itemsize == 1 else 37) + seed).astype(dtype)


compressors = {
    "none": None,
    "zlib": numcodecs.Zlib(5),
    "gzip": numcodecs.GZip(5),
    **{f"blosc-{c}-{s}": numcodecs.Blosc(c, 5, s) for c in ("lz4", "lz4hc", "zstd", "blosclz", "zlib") for s in (0, 1, 2)},
    "blosc-auto": numcodecs.Blosc("lz4", 5, -1),
}
for name, compressor in compressors.items():
    for dtype in ("|u1", "<u2", ">u2"):
        for separator in (".", "/"):
            voxels = smooth((9, 21, 34), dtype)
            path = f"{name}-{dtype[1:]}{'be' if dtype[0] == '>' else ''}-{'dot' if separator == '.' else 'slash'}"
            array = zarr.open(f"{folder}/{path}", mode="w", shape=voxels.shape, chunks=(4, 8, 16), dtype=dtype,
                              compressor=compressor, dimension_separator=separator)
            array[:] = voxels
            voxels.astype(voxels.dtype.newbyteorder("<")).tofile(f"{folder}/{path}.raw")
            index.append(dict(name=path, channels=0))

# Chunks larger than the array, several channels in one chunk, missing chunks with a fill value.
voxels = smooth((3, 5, 7), "|u1")
zarr.open(f"{folder}/large-chunk", mode="w", shape=voxels.shape, chunks=(64, 64, 64), dtype="|u1")[:] = voxels
voxels.tofile(f"{folder}/large-chunk.raw")
index.append(dict(name="large-chunk", channels=0))
voxels = smooth((5, 6, 7, 8), "<u2")
zarr.open(f"{folder}/channels", mode="w", shape=voxels.shape, chunks=(2, 3, 4, 5), dtype="<u2")[:] = voxels
voxels.tofile(f"{folder}/channels.raw")
index.append(dict(name="channels", channels=5))
array = zarr.open(f"{folder}/sparse", mode="w", shape=(8, 8, 8), chunks=(4, 4, 4), dtype=">u2", fill_value=517)
array[4:, :4, 4:] = 3
array[:].astype("<u2").tofile(f"{folder}/sparse.raw")
index.append(dict(name="sparse", channels=0))

# What must be refused with a reason.
zarr.open(f"{folder}/refused-order", mode="w", shape=(4, 4, 4), chunks=(4, 4, 4), dtype="|u1", order="F")[:] = 1
zarr.open(f"{folder}/refused-dtype", mode="w", shape=(4, 4, 4), chunks=(4, 4, 4), dtype="<f4")[:] = 1
zarr.open(f"{folder}/refused-filters", mode="w", shape=(4, 4, 4), chunks=(4, 4, 4), dtype="|u1", filters=[numcodecs.Delta("|u1")])[:] = 1
zarr.open(f"{folder}/refused-compressor", mode="w", shape=(4, 4, 4), chunks=(4, 4, 4), dtype="|u1", compressor=numcodecs.BZ2())[:] = 1
zarr.open(f"{folder}/refused-shape", mode="w", shape=(4, 4), chunks=(4, 4), dtype="|u1")[:] = 1

json.dump(index, open(f"{folder}/index.json", "w"))
