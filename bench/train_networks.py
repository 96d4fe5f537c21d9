#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How much faster a training step is than the same step in eager PyTorch: the same network, weights, patch, loss and Adam, without
augmentation. Both run in turn, round by round, so that whatever else the machine does meets both. Seconds of all threads together stand
beside those of the clock: on a machine with other work they are the ones to compare. The last line is "ratio: N", PyTorch's median time
divided by ours. --augmentation times the cutting of patches."""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "compute", "native", "tests", "parity"))

import numpy as np  # noqa: E402
import torch  # noqa: E402

import eager  # noqa: E402
import safetensors_plain  # noqa: E402
import tvx  # noqa: E402
import unet3d  # noqa: E402

PROGRAM = os.path.join(HERE, "Teravox.TrainBench", "bin", "Release", "net10.0", "Teravox.TrainBench.dll")
MEAN, STD = 127.5, 73.9


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--levels", type=int, default=4)
    parser.add_argument("--f-maps", type=int, default=32)
    parser.add_argument("--classes", type=int, default=8, help="1 trains class 1 against the rest")
    parser.add_argument("--order", choices=("cbr", "gcr"), default="cbr")
    parser.add_argument("--patch", default="32,64,64", help="z,y,x")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--augmentation", action="store_true")
    return parser.parse_args()


def main():
    o = arguments()
    patch = tuple(int(n) for n in o.patch.split(","))
    if o.augmentation:
        subprocess.run(["dotnet", PROGRAM, "augmentation", *map(str, patch)], check=True)
        return
    arch = tvx.Arch(1, o.classes, o.levels, o.f_maps, ["cbr", "gcr"].index(o.order), 8, 0, 0)
    for level in range(o.levels - 1):
        arch.pool[level][:] = (2, 2, 2)
    torch.manual_seed(1)
    net = unet3d.UNet3d(arch)
    rng = np.random.default_rng(1)
    voxels = rng.integers(0, 256, patch, dtype=np.uint8)
    labels = rng.integers(0, max(2, o.classes), patch, dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("model", "voxels", "labels")]
        pools = ",".join(["[2,2,2]"] * (o.levels - 1))
        told = (f'{{"in_channels":1,"out_channels":{o.classes},"levels":{o.levels},"f_maps":{o.f_maps},"order":"{o.order}",'
                f'"num_groups":8,"upsample":"nearest","residual":false,"pool":[{pools}]}}')
        safetensors_plain.write(paths[0], {name: value.numpy() for name, value in net.state_dict().items()}, {"teravox.arch": told})
        voxels.tofile(paths[1])
        labels.tofile(paths[2])
        ours = subprocess.Popen(["dotnet", PROGRAM, "step", *map(str, patch), *paths, str(o.threads)], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True)
        info = ours.stdout.readline().strip()
        torch.set_num_threads(o.threads)
        theirs = eager.EagerTrainer(net, 4e-4, None if o.classes > 1 else 1)
        print(f"f{o.f_maps} L{o.levels} {o.order}, {o.classes} outputs, patch {patch}, {o.threads} threads, {info}, PyTorch {torch.__version__}")
        print(f"  {'round':>8} {'teravox s':>10} {'threads s':>10} {'pytorch s':>10} {'threads s':>10}   losses")
        rounds = []
        for number in range(o.rounds + 1):
            ours.stdin.write("\n")
            ours.stdin.flush()
            wall, cpu, loss = (float(n) for n in ours.stdout.readline().split())
            clock, threads = time.perf_counter(), time.process_time()
            other = theirs.step([(voxels, labels)], MEAN, STD)
            rounds.append((wall, cpu, time.perf_counter() - clock, time.process_time() - threads))
            print(f"  {number or 'warm-up':>8} " + " ".join(f"{n:10.3f}" for n in rounds[-1]) + f"   {loss:.6f} {other:.6f}", flush=True)
        ours.stdin.close()
        ours.wait()
    medians = [statistics.median(column) for column in zip(*rounds[1:])]
    print(f"  {'median':>8} " + " ".join(f"{n:10.3f}" for n in medians))
    print(f"ratio of threads' seconds: {medians[3] / medians[1]:.2f}")
    print(f"ratio: {medians[2] / medians[0]:.2f}")


if __name__ == "__main__":
    main()
