# SPDX-License-Identifier: Apache-2.0
"""Adam steps of eager PyTorch. argv: folder of the modules; a model; a model to write; voxels (uint8) and labels of all steps; their
shape steps,batch,z,y,x; the class that one output learns, or -1; learning rate; weight decay; Adam's epsilon. Prints the losses."""
import json
import sys

sys.path.insert(0, sys.argv[1])
import eager  # noqa: E402
import numpy as np  # noqa: E402
import safetensors_plain  # noqa: E402
import torch  # noqa: E402
import tvx  # noqa: E402
import unet3d  # noqa: E402

_, _, model, result, voxels, labels, shape, target, rate, decay, epsilon = sys.argv
torch.set_num_threads(1)
tensors, metadata = safetensors_plain.read(model)
told = json.loads(metadata["teravox.arch"])
arch = tvx.Arch(1, told["out_channels"], told["levels"], told["f_maps"], ["cbr", "gcr"].index(told["order"]), told["num_groups"],
                ["nearest", "transposed", "transposed3"].index(told["upsample"]), int(told["residual"]))
for level, factors in enumerate(told["pool"]):
    arch.pool[level][:] = factors
net = unet3d.UNet3d(arch)
net.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in tensors.items()})
trainer = eager.EagerTrainer(net, float(rate), None if target == "-1" else int(target), weight_decay=float(decay), eps=float(epsilon))
steps = [int(size) for size in shape.split(",")]
voxels, labels = (np.fromfile(path, np.uint8).reshape(steps) for path in (voxels, labels))
for v, l in zip(voxels, labels):
    print(repr(trainer.step(list(zip(v, l)), 140.0, 60.0)))
safetensors_plain.write(result, {name: value.numpy() for name, value in net.state_dict().items()}, metadata)
