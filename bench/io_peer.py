# SPDX-License-Identifier: Apache-2.0
"""The other side of `./teravox bench io`: reads and writes the same data with zarr, tifffile and PIL, one thread each. Each line of its
input is a task as JSON; it answers with the seconds of CPU time that the task took, what is needed before it not counted."""
import glob
import json
import os
import sys
import time

import numcodecs
import numpy as np
import tifffile
import zarr
from numcodecs import blosc
from PIL import Image

blosc.set_nthreads(1)


def voxels(task):
    return np.fromfile(task["raw"], task["dtype"]).reshape(task["shape"])


def write_zarr(task):
    data = voxels(task)
    compressor = numcodecs.Blosc(task["codec"], 1, blosc.SHUFFLE)

    def run():
        array = zarr.open(task["path"], mode="w", shape=data.shape, chunks=(64,) * 3, dtype=data.dtype, compressor=compressor, dimension_separator="/")
        array[:] = data
    return run


def read_zarr(task):
    return lambda: zarr.open(task["path"], mode="r")[:]


def write_slices(task, write):
    data = voxels(task)
    os.makedirs(task["path"], exist_ok=True)

    def run():
        for z, section in enumerate(data):
            write(os.path.join(task["path"], f"{z:04}.{task['ending']}"), section)
    return run


def read_slices(task, read):
    paths = sorted(glob.glob(os.path.join(task["path"], "*")))
    return lambda: [read(path) for path in paths]


tasks = {
    "write-zarr": write_zarr,
    "read-zarr": read_zarr,
    "write-tiff-none": lambda task: write_slices(task, tifffile.imwrite),
    "write-tiff-deflate": lambda task: write_slices(task, lambda path, section: tifffile.imwrite(path, section, compression="zlib")),
    "read-tiff": lambda task: read_slices(task, lambda path: tifffile.imread(path, maxworkers=1)),
    # tifffile has no LZW of its own; PIL's is libtiff's.
    "write-tiff-lzw": lambda task: write_slices(task, lambda path, section: Image.fromarray(section).save(path, compression="tiff_lzw")),
    "write-png": lambda task: write_slices(task, lambda path, section: Image.fromarray(section).save(path, compress_level=6)),
    "read-pil": lambda task: read_slices(task, lambda path: np.asarray(Image.open(path))),
}
for line in sys.stdin:
    task = json.loads(line)
    run = tasks[task["do"]](task)
    start = time.process_time()
    run()
    print(time.process_time() - start, flush=True)
