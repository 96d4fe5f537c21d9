# SPDX-License-Identifier: Apache-2.0
"""Eager PyTorch over a block, beside ours. argv: model, block (bytes, a cube), its edge, halo, mean, std, threads, file for the levels.
Each line of standard input is a round: the whole block through the network, the core cut out and written; the answer is the seconds it took."""
import sys
import time

import numpy as np
import torch
import unet3d

_, model, block, edge, halo, mean, std, threads, result = sys.argv
edge, halo, mean, std = int(edge), int(halo), float(mean), float(std)
torch.set_num_threads(int(threads))
net, _ = unet3d.load(model)
voxels = np.fromfile(block, np.uint8).reshape(edge, edge, edge)
inner = slice(halo, edge - halo)
print("ready", torch.__version__, flush=True)
for _ in sys.stdin:
    before = time.perf_counter()
    with torch.no_grad():
        x = (torch.from_numpy(voxels).float() - mean) / std
        logits = net(x[None, None])[0][:, inner, inner, inner]
        levels = (torch.sigmoid(logits) * 255).round().to(torch.uint8).numpy()
    took = time.perf_counter() - before
    np.ascontiguousarray(levels).tofile(result)
    print(took, flush=True)
