# SPDX-License-Identifier: Apache-2.0
"""PSNR and SSIM by scikit-image. argv[1]: JSON, a list of {"image", "truth", "shape", "bits", "border"}; prints a line for each.
With "tiff", the pixels of that section are the truth, and those brightened and mixed with noise the image: both are written."""
import json
import sys

import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

for case in json.load(open(sys.argv[1])):
    kind = np.uint8 if case["bits"] == 8 else np.uint16
    if "tiff" in case:
        import tifffile
        pixels = tifffile.imread(case["tiff"])[:case["shape"][0], :case["shape"][1]]
        pixels.astype(kind).tofile(case["truth"])
        noisy = pixels * .9 + 12 + np.random.default_rng(1).normal(0, 6, pixels.shape)
        noisy.clip(0, 255).astype(kind).tofile(case["image"])
    crop = (slice(case["border"], size - case["border"]) for size in case["shape"])
    crop = tuple(crop)
    image, truth = (np.fromfile(case[name], kind).reshape(case["shape"])[crop] for name in ("image", "truth"))
    psnr = peak_signal_noise_ratio(truth, image)
    ssim = structural_similarity(truth, image, gaussian_weights=True, use_sample_covariance=False)
    print(repr(float(psnr)), repr(float(ssim)))
