# SPDX-License-Identifier: Apache-2.0
"""Python's PyTorch beside ours. argv: folder of the modules, a model, a model to write, voxels (float32) and their shape z,y,x, logits to write.
The network of the first model gets other weights, norms that are not the identity among them, and is written as the second one."""
import json
import sys

sys.path.insert(0, sys.argv[1])
import numpy as np  # noqa: E402
import safetensors_plain  # noqa: E402
import torch  # noqa: E402
import tvx  # noqa: E402
import unet3d  # noqa: E402

_, _, model, result, voxels, shape, logits = sys.argv
tensors, metadata = safetensors_plain.read(model)
told = json.loads(metadata["teravox.arch"])
arch = tvx.Arch(1, told["out_channels"], told["levels"], told["f_maps"], ["cbr", "gcr"].index(told["order"]), told["num_groups"],
                ["nearest", "transposed", "transposed3"].index(told["upsample"]), int(told["residual"]))
for level, factors in enumerate(told["pool"]):
    arch.pool[level][:] = factors
torch.manual_seed(1)
net = unet3d.randomise_norms(unet3d.UNet3d(arch), 2).eval()
assert list(tensors) == list(net.state_dict()), "names or their order differ from PyTorch's state_dict"
safetensors_plain.write(result, {name: value.numpy() for name, value in net.state_dict().items()}, metadata)
block = torch.from_numpy(np.fromfile(voxels, np.float32).reshape([1, 1] + [int(size) for size in shape.split(",")]))
with torch.no_grad():
    net(block)[0].numpy().tofile(logits)
