#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Super-resolution of one section beside the same in eager PyTorch: the same network, crops, steps, reconstruction errors
and eight back-projected outputs. Both run in turn, piece by piece, so that whatever else the machine does meets both. The
last line is "ratio: N", PyTorch's time for everything divided by the library's.

--data DIR instead reduces the sections of a folder of images, restores them and compares with the originals: PSNR and SSIM
(scikit-image) beside bicubic's, iterations and seconds. --sons takes another reduction for learning than was applied."""
import argparse
import glob
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "compute", "native", "tests", "parity"))

import numpy as np  # noqa: E402

import tvx  # noqa: E402
import tvx_zssr  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", default=os.environ.get("TERAVOX_LIBRARY"), help="path of libteravox.so")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=2)
    speed = parser.add_argument_group("speed")
    speed.add_argument("--size", type=int, default=512, help="side of the section")
    speed.add_argument("--iterations", type=int, default=400)
    truth = parser.add_argument_group("against the truth")
    truth.add_argument("--data", help="a folder of 8-bit grey images")
    truth.add_argument("--sections", help="0,3,7: by their place in the sorted folder; default: all")
    truth.add_argument("--centre", type=int, default=0, help="side of the middle square that is taken; 0: all of it")
    truth.add_argument("--reduction", choices=tvx_zssr.REDUCTIONS, default="bicubic", help="made the section")
    truth.add_argument("--sons", choices=tvx_zssr.REDUCTIONS, help="what the network learns to undo; default: the same")
    truth.add_argument("--gradual", action="store_true")
    truth.add_argument("--warm", action="store_true", help="each section starts from the weights of the one before")
    truth.add_argument("--max-iterations", type=int, default=3000)
    options = parser.parse_args()
    if not options.library:
        parser.error("--library is needed")
    return options


def psnr(truth, image):
    return 10 * np.log10(255**2 / np.mean((truth.astype(np.float64) - image) ** 2))


def to_bytes(image):
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def reduced_shape(shape, scale):
    return tuple(max(1, round(n * (1 / scale))) for n in shape)


def tissue(size, rng):
    """A made-up section: smooth noise cut at levels gives cells with sharp outlines of every size, then a little grain."""
    y, x = (np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None])
    image = np.full((size, size), 170.0)
    for width, depth in ((64, 30), (24, 40), (10, 30)):
        smooth = np.fft.ifft2(np.fft.fft2(rng.normal(size=(size, size))) * np.exp(-((width * y) ** 2 + (width * x) ** 2) * 8)).real
        image -= depth * (np.abs(smooth) < 0.35 * smooth.std())
    blurred = np.fft.ifft2(np.fft.fft2(image) * np.exp(-(y**2 + x**2) * 12)).real
    return to_bytes(blurred + rng.normal(0, 2, blurred.shape))


def bench_speed(library, o):
    import torch

    import eager_zssr

    torch.set_num_threads(o.threads)
    truth = tissue(round(o.size * o.scale), np.random.default_rng(o.seed))
    section = to_bytes(tvx_zssr.reduce(library, truth, (o.size, o.size)))
    options = tvx_zssr.options(library, o.scale, max_iterations=o.iterations, min_learning_rate=1e-12)
    print(f"section {o.size} x {o.size}, scale {o.scale:g}, {o.iterations} iterations, {o.threads} threads, "
          f"PyTorch {torch.__version__}, {library.lib.tvx_build_info().decode()}")

    # PyTorch's pieces are trained between two of our iterations.
    pieces = [o.iterations // 4] * 3 + [o.iterations - o.iterations // 4 * 3]
    theirs, state = {"training": 0.0, "output": 0.0}, {"done": 0, "paused": 0.0, "piece": 0, "training": None}
    other = eager_zssr.Zssr(torch.from_numpy(section.astype(np.float32) / 255), o.scale, seed=o.seed)
    torch_error = None

    def progress(now):
        nonlocal torch_error
        if now.iterations == sum(pieces[:state["piece"] + 1]) and state["piece"] < len(pieces):
            begun = time.perf_counter()
            torch_error = other.train(pieces[state["piece"]])
            took = time.perf_counter() - begun
            theirs["training"] += took
            state["paused"] += took
            state["piece"] += 1
            if state["piece"] == len(pieces):
                state["training"] = begun - start - (state["paused"] - took)

    ours = tvx_zssr.Zssr(library, options, threads=o.threads)
    start = time.perf_counter()
    made = ours.run(section, shape=truth.shape, seed=o.seed, progress=progress)
    total = time.perf_counter() - start - state["paused"]
    begun = time.perf_counter()
    other_made = to_bytes(other.output().numpy() * 255)
    theirs["output"] = time.perf_counter() - begun

    bicubic = to_bytes(tvx_zssr.enlarge(library, section, truth.shape))
    rows = [("teravox", state["training"], total - state["training"], psnr(truth, made), ours.state.error),
            ("pytorch", theirs["training"], theirs["output"], psnr(truth, other_made), 255 * torch_error)]
    print(f"  {'':8} {'training s':>10} {'ms/step':>8} {'output s':>9} {'total s':>8} {'PSNR dB':>8} {'own error':>9}")
    for name, training, output, quality, error in rows:
        print(f"  {name:8} {training:10.1f} {1e3 * training / o.iterations:8.1f} {output:9.1f} {training + output:8.1f} "
              f"{quality:8.2f} {error:9.3f}")
    print(f"  {'bicubic':8} {'':10} {'':8} {'':9} {'':8} {psnr(truth, bicubic):8.2f} {ours.state.bicubic_error:9.3f}")
    print(f"ratio: {(theirs['training'] + theirs['output']) / total:.2f}")


def bench_truth(library, o):
    from PIL import Image
    from skimage.metrics import structural_similarity

    names = sorted(n for n in glob.glob(os.path.join(o.data, "*")) if n.lower().endswith((".tif", ".tiff", ".png")))
    if not names:
        sys.exit(f"{o.data} holds no .tif, .tiff or .png")
    chosen = [int(n) for n in o.sections.split(",")] if o.sections else range(len(names))
    sons = o.sons or o.reduction
    options = tvx_zssr.options(library, o.scale, gradual=int(o.gradual), max_iterations=o.max_iterations)
    zssr = tvx_zssr.Zssr(library, options, sons, o.threads)
    print(f"reduced by {o.scale:g} ({o.reduction}), sons by {sons}; {'gradual, ' if o.gradual else ''}"
          f"{'warm, ' if o.warm else ''}seed {o.seed}, {o.threads} threads")
    print("| section | pixels | PSNR bicubic | PSNR ZSSR | gain | SSIM bicubic | SSIM ZSSR | iterations | seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    gains, similar = [], []
    for place, at in enumerate(chosen):
        truth = np.array(Image.open(names[at]))
        if truth.ndim != 2 or truth.dtype != np.uint8:
            sys.exit(f"{names[at]} is not an 8-bit grey image")
        if o.centre:
            top, left = ((n - o.centre) // 2 for n in truth.shape)
            truth = truth[top:top + o.centre, left:left + o.centre]
        section = to_bytes(tvx_zssr.reduce(library, truth, reduced_shape(truth.shape, o.scale), o.reduction))
        bicubic = to_bytes(tvx_zssr.enlarge(library, section, truth.shape))
        start = time.perf_counter()
        made = zssr.run(section, shape=truth.shape, seed=o.seed, warm=o.warm and place > 0)
        took = time.perf_counter() - start
        before, after = (psnr(truth, image) for image in (bicubic, made))
        ssim = [structural_similarity(truth, image, data_range=255) for image in (bicubic, made)]
        gains.append(after - before)
        similar.append(ssim[1] - ssim[0])
        state = zssr.state
        print(f"| {os.path.basename(names[at])} | {truth.shape[0]} x {truth.shape[1]} | {before:.2f} | {after:.2f} | "
              f"{gains[-1]:+.2f} | {ssim[0]:.4f} | {ssim[1]:.4f} | {state.iterations}"
              f"{' (bicubic taken)' if state.fell_back else ''} | {took:.0f} |", flush=True)
    print(f"{len(gains)} sections: PSNR {np.mean(gains):+.2f} dB on average, {min(gains):+.2f} at least; "
          f"SSIM {np.mean(similar):+.4f}, {min(similar):+.4f} at least")


def main():
    options = arguments()
    library = tvx.load(options.library)
    (bench_truth if options.data else bench_speed)(library, options)


if __name__ == "__main__":
    main()
