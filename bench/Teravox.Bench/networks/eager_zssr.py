# SPDX-License-Identifier: Apache-2.0
"""ZSSR in eager PyTorch, beside ours. argv: section (bytes, a square), its side, iterations, threads, file for the enlarged section.
Each line of standard input is a round: training from the beginning and the output; the answer is the seconds it took."""
import sys
import time

import numpy as np
import torch
import zssr_eager

_, section, side, iterations, threads, result = sys.argv
torch.set_num_threads(int(threads))
image = torch.from_numpy(np.fromfile(section, np.uint8).reshape(int(side), int(side)).astype(np.float32) / 255)
print("ready", torch.__version__, flush=True)
for seed, _ in enumerate(sys.stdin):
    before = time.perf_counter()
    zssr = zssr_eager.Zssr(image, seed=seed)
    zssr.train(int(iterations))
    output = (zssr.output() * 255).round().clamp(0, 255).to(torch.uint8).numpy()
    took = time.perf_counter() - before
    output.tofile(result)
    print(took, flush=True)
