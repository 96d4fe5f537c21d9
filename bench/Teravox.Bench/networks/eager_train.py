# SPDX-License-Identifier: Apache-2.0
"""Training steps of eager PyTorch, beside ours. argv: model, voxels and labels (bytes), their shape z,y,x, learning rate, mean, std, threads.
Each line of standard input is a step on the same patch; the answer is the seconds it took and the loss."""
import sys
import time

import eager_training
import numpy as np
import torch
import unet3d

_, model, voxels, labels, shape, rate, mean, std, threads = sys.argv
torch.set_num_threads(int(threads))
net, arch = unet3d.load(model)
trainer = eager_training.EagerTrainer(net, float(rate), None if arch["out_channels"] > 1 else 1)
shape = [int(size) for size in shape.split(",")]
block = [np.fromfile(path, np.uint8).reshape(shape) for path in (voxels, labels)]
print("ready", torch.__version__, flush=True)
for _ in sys.stdin:
    before = time.perf_counter()
    loss = trainer.step([block], float(mean), float(std))
    print(time.perf_counter() - before, loss, flush=True)
