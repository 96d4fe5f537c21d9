#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A training step of libteravox beside the same step in eager PyTorch, in one run, round by round.

    /usr/bin/python3 compute/native/bench/train_bench.py --levels 4 --f-maps 32 --patch 32,64,64

Both train the same network from the same weights on the same patch with the same loss and Adam, without augmentation.
The last line is "ratio: N", PyTorch's median time over ours: above 1, the step here is the faster one.
"""
import argparse
import os
import statistics
import sys
import tempfile
import time

import numpy as np
import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/parity"))
import eager  # noqa: E402
import tvx_train  # noqa: E402


def augmentation_table(options, rounds):
    """Milliseconds to cut one patch, by what is drawn."""
    rng = np.random.default_rng(0)
    names = ["rotation", "scaling", "elastic", "contrast", "noise", "blur", "sharpen"]
    for name in ["nothing", "flip"] + names + ["everything", "the defaults"]:
        o = tvx_train.train_options(options.patch, augment=name == "the defaults")
        for one in names if name == "everything" else [n for n in names if n == name]:
            setattr(o.augment, one + "_probability", 1)
        if name in ("flip", "everything"):
            o.augment.flip_probability[:] = (.5, .5, .5)
        shape = tvx_train.source_shape(o)
        voxels = rng.integers(0, 256, shape, dtype=np.uint8)
        cut = tvx_train.Cutter(o, (voxels, (voxels % 8).astype(np.uint8)), 128, 60)
        times = []
        for index in range(4 * rounds):
            start = time.perf_counter()
            cut(index)
            times.append(time.perf_counter() - start)
        where = f"(mean; read {'x'.join(map(str, shape))})"
        print(f"  augmentation: {name:13} {1e3 * statistics.mean(times):7.2f} ms {where}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--levels", type=int, default=4)
    parser.add_argument("--f-maps", type=int, default=32)
    parser.add_argument("--order", choices=("cbr", "gcr"), default="cbr")
    parser.add_argument("--outputs", type=int, default=8)
    parser.add_argument("--patch", default="32,64,64", help="z,y,x")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=7)
    a = parser.parse_args()

    patch = tuple(int(n) for n in a.patch.split(","))
    target = None if a.outputs > 1 else 1
    rng = np.random.default_rng(0)
    block = (rng.integers(0, 256, patch, dtype=np.uint8), rng.integers(0, max(2, a.outputs), patch, dtype=np.uint8))

    arch = tvx_train.arch(out_channels=a.outputs, levels=a.levels, f_maps=a.f_maps, order=("cbr", "gcr").index(a.order))
    model = tvx_train.Model(arch, 1)
    options = tvx_train.train_options(patch, target_class=-1 if target is None else target)
    ours = tvx_train.Trainer(model, options, threads=a.threads)
    net = eager.UNet(a.outputs, a.levels, a.f_maps, a.order)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.safetensors")
        model.save(path)
        net.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in tvx_train.read_safetensors(path).items()})
    torch.set_num_threads(a.threads)
    theirs = eager.EagerTrainer(net, options.learning_rate, target)

    print(f"f{a.f_maps} L{a.levels} {a.order}, {a.outputs} outputs, patch {'x'.join(map(str, patch))}, "
          f"{a.threads} threads, PyTorch {torch.__version__}")
    augmentation_table(options, a.rounds)
    times = {"teravox": [], "pytorch": []}
    print(f"  {'round':>8} {'teravox s':>10} {'pytorch s':>10}   losses")
    for number in range(a.rounds + 1):
        losses = []
        for name, trainer in (("teravox", ours), ("pytorch", theirs)):
            start = time.perf_counter()
            losses.append(trainer.step([block], 128.0, 60.0))
            times[name].append(time.perf_counter() - start)
        last = [times[name][-1] for name in times]
        print(f"  {number or 'warm-up':>8} {last[0]:10.3f} {last[1]:10.3f}   {losses[0]:.6f} {losses[1]:.6f}")
    medians = {name: statistics.median(t[1:]) for name, t in times.items()}
    print(f"  {'median':>8} {medians['teravox']:10.3f} {medians['pytorch']:10.3f}")
    print(f"ratio: {medians['pytorch'] / medians['teravox']:.2f}")


main()
