# SPDX-License-Identifier: Apache-2.0
"""Reads OME-Zarr volumes the way other programs do: group, multiscales, dataset path; writes PATH.raw and prints metadata."""
import json
import sys

import zarr

result = {}
for path in sys.argv[1:]:
    group = zarr.open_group(path, mode="r")
    scales = group.attrs["multiscales"][0]
    array = group[scales["datasets"][0]["path"]]
    voxels = array[:]
    voxels.astype(voxels.dtype.newbyteorder("<")).tofile(path + ".raw")
    result[path] = dict(scales=scales, attrs=dict(group.attrs))
print(json.dumps(result))
