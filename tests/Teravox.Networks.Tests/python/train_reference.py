# SPDX-License-Identifier: Apache-2.0
"""Adam steps of eager PyTorch. argv: a model; a model to write; voxels (uint8) and labels of all steps; their
shape steps,batch,z,y,x; the class that one output learns, or -1; learning rate; weight decay; Adam's epsilon. Prints the losses."""
import json
import sys

import eager_training
import numpy as np
import safetensors_plain
import torch
import unet3d

_, model, result, voxels, labels, shape, target, rate, decay, epsilon = sys.argv
torch.set_num_threads(1)
net, arch = unet3d.load(model)
trainer = eager_training.EagerTrainer(net, float(rate), None if target == "-1" else int(target), weight_decay=float(decay), eps=float(epsilon))
steps = [int(size) for size in shape.split(",")]
voxels, labels = (np.fromfile(path, np.uint8).reshape(steps) for path in (voxels, labels))
for v, l in zip(voxels, labels):
    print(repr(trainer.step(list(zip(v, l)), 140.0, 60.0)))
safetensors_plain.write(result, {name: value.numpy() for name, value in net.state_dict().items()}, {"teravox.arch": json.dumps(arch)})
