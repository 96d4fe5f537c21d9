# SPDX-License-Identifier: Apache-2.0
"""One training step of ZSSR in eager PyTorch. argv: a folder for files of float32, rows and columns. Written: weight0..7, input, target,
inside, output, loss, gradient0..7, and updated0..7 after a step of Adam at 1e-3."""
import os
import sys

import numpy as np
import torch
import zssr_eager

folder, y, x = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def write(name, tensor):
    np.asarray(tensor, np.float32).tofile(os.path.join(folder, name))


torch.set_num_threads(1)
torch.manual_seed(y)
rng = np.random.default_rng(y)
i, j = np.indices((y, x))
target = 0.5 + 0.3 * np.sin(0.3 * i + 0.2 * np.sqrt(i * j + 1)) + 0.05 * rng.normal(size=(y, x))
images = {"input": (target + np.roll(target, 1, 0) + np.roll(target, 1, 1)) / 3, "target": target, "inside": rng.random((y, x)) < 0.8}
net = zssr_eager.Net()
with torch.no_grad():
    for k, w in enumerate(net.weights):
        w.normal_(0, 1.2 / (9 * w.shape[1]) ** 0.5)
        write(f"weight{k}", w)
for name, image in images.items():
    write(name, image)
image, target, inside = (torch.from_numpy(image.astype(np.float32)) for image in images.values())
with torch.no_grad():
    write("output", net(image[None, None])[0, 0])
write("loss", zssr_eager.Trainer(net).step(image, target, inside))
for k, w in enumerate(net.weights):
    write(f"gradient{k}", w.grad)
    write(f"updated{k}", w.detach())
