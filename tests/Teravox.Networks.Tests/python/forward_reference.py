# SPDX-License-Identifier: Apache-2.0
"""Python's PyTorch beside ours. argv: a model, a model to write, voxels (float32) and their shape z,y,x, logits to write.
The network of the first model gets other weights, norms that are not the identity among them, and is written as the second one."""
import json
import sys

import numpy as np
import safetensors_plain
import torch
import unet3d

_, model, result, voxels, shape, logits = sys.argv
tensors, metadata = safetensors_plain.read(model)
torch.manual_seed(1)
net = unet3d.randomise_norms(unet3d.UNet3d(json.loads(metadata["teravox.arch"])), 2).eval()
assert list(tensors) == list(net.state_dict()), "names or their order differ from PyTorch's state_dict"
safetensors_plain.write(result, {name: value.numpy() for name, value in net.state_dict().items()}, metadata)
block = torch.from_numpy(np.fromfile(voxels, np.float32).reshape([1, 1] + [int(size) for size in shape.split(",")]))
with torch.no_grad():
    net(block)[0].numpy().tofile(logits)
