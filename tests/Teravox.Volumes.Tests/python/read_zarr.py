# SPDX-License-Identifier: Apache-2.0
"""Reads OME-Zarr volumes the way other programs do: group, multiscales, dataset path; writes PATH.raw, PATH.s1.raw ... and prints metadata."""
import json
import sys

import zarr

result = {}
for path in sys.argv[1:]:
    group = zarr.open_group(path, mode="r")
    scales = group.attrs["multiscales"][0]
    for level, dataset in enumerate(scales["datasets"]):
        voxels = group[dataset["path"]][:]
        voxels.astype(voxels.dtype.newbyteorder("<")).tofile(path + (f".s{level}.raw" if level else ".raw"))
    result[path] = dict(scales=scales, attrs=dict(group.attrs))
print(json.dumps(result))
