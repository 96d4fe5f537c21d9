# SPDX-License-Identifier: Apache-2.0
"""Reads the images named on the command line with PIL and tifffile; writes NAME.pil and NAME.tifffile with their pixels."""
import sys

import numpy as np
import tifffile
from PIL import Image

for path in sys.argv[1:]:
    with Image.open(path) as image:
        pixels = np.asarray(image)
        colours = image.getpalette()
    pixels.astype("<u2" if pixels.dtype.itemsize > 1 else np.uint8).tofile(path + ".pil")
    if colours:
        np.array(colours, np.uint8).tofile(path + ".palette")
    if path.endswith(".tif"):
        tifffile.imread(path).tofile(path + ".tifffile")
