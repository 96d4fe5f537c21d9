# SPDX-License-Identifier: Apache-2.0
"""Writes a checkpoint. argv: a model whose architecture is taken, a form, the checkpoint to write, a model to write with the same weights.
The forms are those in which networks are found, and those that must be refused."""
import collections
import json
import os
import sys

import numpy as np
import safetensors_plain
import torch
import unet3d

_, model, form, path, result = sys.argv
metadata = safetensors_plain.read(model)[1]
torch.manual_seed(1)
net = unet3d.randomise_norms(unet3d.UNet3d(json.loads(metadata["teravox.arch"])), 2).eval()
state = net.state_dict()


class Stranger:
    """Would run a command when unpickled."""

    def __reduce__(self):
        return os.system, (f"touch {path}.pwned",)


def cast(change):
    return {name: change(value) if value.is_floating_point() else value for name, value in state.items()}


def trainer():
    """The dict that pytorch-3dunet's trainer saves, with an optimiser that has made a step."""
    optimiser = torch.optim.Adam(net.parameters(), lr=0.0, weight_decay=1e-5)
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimiser.step()
    return {"num_epochs": 3, "num_iterations": 1 << 40, "model_state_dict": state, "best_eval_score": np.float64(.93),
            "optimizer_state_dict": optimiser.state_dict()}


def views():
    flat, at, result = torch.cat([v.reshape(-1) for v in state.values() if v.is_floating_point()]), 0, {}
    for name, value in state.items():
        result[name] = value
        if value.is_floating_point():
            result[name] = flat[at:at + value.numel()].view(value.shape)
            at += value.numel()
    return result


FIRST = "encoders.0.basic_module.SingleConv1"
FORMS = {
    "trainer": trainer,
    "plain": lambda: state,
    "DataParallel": lambda: collections.OrderedDict(("module." + k, v) for k, v in state.items()),
    "dict": lambda: dict(state),
    "state_dict": lambda: {"state_dict": state, "epoch": 4, "note": None, "flags": (True, False, [1.5, -3, "x"])},
    "double": lambda: cast(torch.Tensor.double),
    "half": lambda: cast(torch.Tensor.half),
    "bfloat16": lambda: cast(torch.Tensor.bfloat16),
    "transposed": lambda: cast(lambda v: v.transpose(0, -1).contiguous().transpose(0, -1) if v.dim() > 1 else v),
    "views": views,
    "old format": lambda: state,
    "module": lambda: net,
    "list": lambda: [1, 2],
    "no tensors": lambda: {"a": 1},
    "other network": lambda: {"weight": torch.zeros(3)},
    "layer missing": lambda: {k: v for k, v in state.items() if "decoders.0.basic_module.SingleConv2.conv" not in k},
    "layer too many": lambda: {**state, "se_module.weight": torch.zeros(1)},
    "two channels": lambda: {**state, FIRST + ".conv.weight": torch.zeros(4, 2, 3, 3, 3)},
    "other norm": lambda: {k.replace("batchnorm", "other"): v for k, v in state.items()},
    "norm before": lambda: {**state, FIRST + ".batchnorm.weight": torch.zeros(1)},
    "shape of final_conv": lambda: {**state, "final_conv.weight": torch.zeros(8)},
    "complex": lambda: {**state, "final_conv.bias": torch.zeros(1, dtype=torch.complex64)},
    "giant": lambda: {**state, "final_conv.weight": torch.zeros(3, 1024, 1, 1, 1)},
    "command": lambda: {"model_state_dict": {}, "evil": Stranger()},
    "print": lambda: {"evil": print},
}
options = {"_use_new_zipfile_serialization": form != "old format"}
if form.startswith("protocol "):
    options["pickle_protocol"] = int(form[-1])
made = FORMS["trainer" if form.startswith("protocol ") else form]()
torch.save(made, path, **options)
kept = made if form in ("half", "bfloat16") else state
safetensors_plain.write(result, {k: (v.float() if v.is_floating_point() else v).numpy() for k, v in kept.items()}, metadata)
