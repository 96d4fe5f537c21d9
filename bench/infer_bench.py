# SPDX-License-Identifier: Apache-2.0
"""How much faster the library computes a tile than eager PyTorch with the same weights: the whole block through the
network, then the core cut out. Both run in turn, round by round, so that whatever else the machine does meets both.
The last line is "ratio: N", PyTorch's median time divided by the library's."""
import argparse
import os
import statistics
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "compute", "native", "tests", "parity"))

import numpy as np  # noqa: E402
import torch  # noqa: E402

import safetensors_plain  # noqa: E402
import tvx  # noqa: E402
import unet3d  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", default=os.environ.get("TERAVOX_LIBRARY"), help="path of libteravox.so")
    parser.add_argument("--levels", type=int, default=4)
    parser.add_argument("--f-maps", type=int, default=32)
    parser.add_argument("--classes", type=int, default=1)
    parser.add_argument("--order", choices=("cbr", "gcr"), default="cbr")
    parser.add_argument("--core", type=int, default=64, help="edge of the core in voxels")
    parser.add_argument("--halo", type=int, help="voxels around the core (default: the exact reach on the grid; 0: the core is the block)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if not options.library:
        parser.error("--library is needed")
    return options


def main():
    options = arguments()
    lib = tvx.load(options.library)
    arch = lib.arch(levels=options.levels, f_maps=options.f_maps, out_channels=options.classes,
                    order=tvx.GCR if options.order == "gcr" else tvx.CBR)
    reach, grid = lib.reach(arch)
    halo = -(-max(reach) // max(grid)) * max(grid) if options.halo is None else options.halo
    core, edge = options.core, options.core + 2 * halo
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "model.safetensors")
        lib.create(arch, seed=1).save(path)
        model = lib.open(path)
        weights, _ = safetensors_plain.read(path)
    net = unet3d.UNet3d(arch)
    net.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in weights.items()})
    net.eval()
    torch.set_num_threads(options.threads)
    session = model.session(threads=options.threads)
    voxels = np.random.default_rng(1).integers(0, 256, (edge, edge, edge), dtype=np.uint8)
    mean, std = 127.5, 73.9
    start, shape = (halo,) * 3, (core,) * 3

    def eager():
        with torch.no_grad():
            x = (torch.from_numpy(voxels).float() - mean) / std
            logits = net(x[None, None])[0]
            part = logits[:, halo:halo + core, halo:halo + core, halo:halo + core]
            return (torch.sigmoid(part) * 255).round().to(torch.uint8).numpy()

    def ours():
        return session.infer(voxels, start, shape, mean, std)

    # Once each to warm up, and to see that both compute the same.
    off = np.abs(eager().astype(int) - ours().astype(int)).max()
    if off > 1:
        sys.exit(f"the results differ by {off} grey levels")
    times = {"eager PyTorch": [], "libteravox": []}
    for _ in range(options.rounds):
        for name, run in (("eager PyTorch", eager), ("libteravox", ours)):
            before = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - before)
    print(f"f_maps {options.f_maps}, {options.levels} levels, {options.order}, {options.classes} classes, core {core}^3, "
          f"block {edge}^3, {options.threads} threads, {options.rounds} rounds")
    print(lib.lib.tvx_build_info().decode())
    print(f"{'':16}{'median s':>10}{'least s':>10}{'core Mvoxel/s':>15}")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:16}{median:10.3f}{min(values):10.3f}{core ** 3 / median / 1e6:15.3f}")
    print(f"ratio: {statistics.median(times['eager PyTorch']) / statistics.median(times['libteravox']):.2f}")


if __name__ == "__main__":
    main()
