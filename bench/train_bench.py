#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How much faster a training step is than the same step in eager PyTorch: the same network, weights, patch, loss and
Adam, without augmentation. Both run in turn, round by round, so that whatever else the machine does meets both. The
last line is "ratio: N", PyTorch's median time divided by the library's. --augmentation times the cutting of patches."""
import argparse
import os
import statistics
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "compute", "native", "tests", "parity"))

import numpy as np  # noqa: E402
import torch  # noqa: E402

import eager  # noqa: E402
import safetensors_plain  # noqa: E402
import tvx  # noqa: E402
import tvx_train  # noqa: E402
import unet3d  # noqa: E402

MEAN, STD = 127.5, 73.9


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", default=os.environ.get("TERAVOX_LIBRARY"), help="path of libteravox.so")
    parser.add_argument("--levels", type=int, default=4)
    parser.add_argument("--f-maps", type=int, default=32)
    parser.add_argument("--classes", type=int, default=8, help="1 trains class 1 against the rest")
    parser.add_argument("--order", choices=("cbr", "gcr"), default="cbr")
    parser.add_argument("--patch", default="32,64,64", help="z,y,x")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--augmentation", action="store_true")
    options = parser.parse_args()
    options.patch = tuple(int(n) for n in options.patch.split(","))
    if not options.library:
        parser.error("--library is needed")
    return options


def print_augmentation_times(lib, patch, draws):
    """Milliseconds to cut a patch, by what is drawn."""
    rng = np.random.default_rng(0)
    names = ["rotation", "scaling", "elastic", "contrast", "noise", "blur", "sharpen"]
    for name in ["nothing", "flip", *names, "everything", "the defaults"]:
        o = tvx_train.options(lib, patch, augment=name == "the defaults")
        for one in names if name == "everything" else [n for n in names if n == name]:
            setattr(o.augment, one + "_probability", 1)
        if name in ("flip", "everything"):
            o.augment.flip_probability[:] = (.5, .5, .5)
        shape = tvx_train.source_shape(lib, o)
        voxels = rng.integers(0, 256, shape, dtype=np.uint8)
        cut = tvx_train.Cutter(lib, o, voxels, voxels, MEAN, STD)
        start = time.perf_counter()
        for index in range(draws):
            cut(index)
        mean = (time.perf_counter() - start) / draws
        print(f"  {name:13} {1e3 * mean:7.2f} ms a patch, cut from {'x'.join(map(str, shape))}")


def main():
    options = arguments()
    lib = tvx.load(options.library)
    if options.augmentation:
        print_augmentation_times(lib, options.patch, 10 * options.rounds)
        return
    arch = lib.arch(levels=options.levels, f_maps=options.f_maps, out_channels=options.classes,
                    order=tvx.GCR if options.order == "gcr" else tvx.CBR)
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "model.safetensors")
        model = lib.create(arch, seed=1)
        model.save(path)
        weights, _ = safetensors_plain.read(path)
    net = unet3d.UNet3d(arch)
    net.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in weights.items()})
    torch.set_num_threads(options.threads)
    target = None if options.classes > 1 else 1
    o = tvx_train.options(lib, options.patch, target_class=-1 if target is None else target)
    trainers = {"teravox": tvx_train.Trainer(model, o, threads=options.threads),
                "pytorch": eager.EagerTrainer(net, o.learning_rate, target)}

    rng = np.random.default_rng(1)
    block = (rng.integers(0, 256, options.patch, dtype=np.uint8),
             rng.integers(0, max(2, options.classes), options.patch, dtype=np.uint8))
    times = {name: [] for name in trainers}
    print(f"f{options.f_maps} L{options.levels} {options.order}, {options.classes} outputs, patch {options.patch}, "
          f"{options.threads} threads, PyTorch {torch.__version__}")
    print(f"  {'round':>8} {'teravox s':>10} {'pytorch s':>10}   losses")
    for number in range(options.rounds + 1):
        losses = []
        for name, trainer in trainers.items():
            start = time.perf_counter()
            losses.append(trainer.step([block], MEAN, STD))
            times[name].append(time.perf_counter() - start)
        ours, theirs = times["teravox"][-1], times["pytorch"][-1]
        print(f"  {number or 'warm-up':>8} {ours:10.3f} {theirs:10.3f}   {losses[0]:.6f} {losses[1]:.6f}", flush=True)
    ours, theirs = (statistics.median(t[1:]) for t in times.values())
    print(f"  {'median':>8} {ours:10.3f} {theirs:10.3f}")
    print(f"ratio: {theirs / ours:.2f}")


if __name__ == "__main__":
    main()
