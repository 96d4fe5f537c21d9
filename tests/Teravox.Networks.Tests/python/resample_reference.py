# SPDX-License-Identifier: Apache-2.0
"""Resamples images as others do. argv[1]: JSON, a list of {"how", "image", "shape", "to", ...}; images are files of float64.
IMAGE.HOW gets the result, of shape "to". A case may name a "tiff" instead, whose pixels are written to "image" first.
Without argv[1] it prints the shapes that scikit-image's rescale gives."""
import json
import math
import sys

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.transform import rescale


def keys(t):
    """Keys (1981), a = -1/2, piece by piece as published."""
    a, t = -.5, np.abs(t)
    near = (a + 2) * t**3 - (a + 3) * t**2 + 1
    far = a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a
    return np.where(t < 1, near, np.where(t < 2, far, 0))


def matrix(size, to, widened):
    """What one axis is multiplied by: the border is made by mirroring indices, edge pixels repeated."""
    factor = size / to
    width = max(factor, 1) if widened else 1
    pad = math.ceil(2 * width) + 1
    index = np.pad(np.arange(size), pad, mode="symmetric")
    weights = np.zeros((to, size))
    for out in range(to):
        w = keys((np.arange(-pad, size + pad) - ((out + .5) * factor - .5)) / width)
        np.add.at(weights[out], index, w / w.sum())
    return weights


def cubic(image, to, widened):
    return matrix(image.shape[0], to[0], widened) @ image @ matrix(image.shape[1], to[1], widened).T


def resample(case, image):
    how, to = case["how"], case["to"]
    if how == "rescale":
        return rescale(image, (1 / case["scale"][0], 1 / case["scale"][1]), anti_aliasing=True, preserve_range=True)
    if how == "keys":
        return cubic(image, to, widened=True)
    if how == "pil":
        return np.asarray(Image.fromarray(image.astype(np.float32)).resize(to[::-1], Image.BICUBIC))
    blurred = ndimage.convolve(image, np.array(case["kernel"]), mode="reflect")
    return cubic(blurred, to, widened=False)


def shapes():
    for scale in (1.2, 1.25, 1.5, 2, 2.5, 3, 3.7, 4):
        for size in range(1, 200):
            print(size, scale, rescale(np.zeros((size, 1)), (1 / scale, 1), anti_aliasing=True).shape[0])


def main():
    for case in json.load(open(sys.argv[1])):
        if "tiff" in case:
            import tifffile
            image = tifffile.imread(case["tiff"]).astype(np.float64)
            image[:case["shape"][0], :case["shape"][1]].tofile(case["image"])
        image = np.fromfile(case["image"], np.float64).reshape(case["shape"])
        result = resample(case, image)
        assert list(result.shape) == case["to"], f"{case}: {result.shape}"
        result.astype(np.float64).tofile(f"{case['image']}.{case['how']}")


main() if len(sys.argv) > 1 else shapes()
