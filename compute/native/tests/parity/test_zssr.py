# SPDX-License-Identifier: Apache-2.0
"""One training step of ZSSR here and in eager PyTorch: the same weights and images, the same output, loss, gradients and
weights after it."""
import os
import subprocess
import tempfile

import harness
import numpy as np
import torch

import eager_zssr
import safetensors_plain

torch.set_num_threads(1)
TOOL = os.path.join(os.path.dirname(os.environ["TERAVOX_LIBRARY"]), "..", "bin", "zssr_gradients")


def images(rng, y, x):
    i, j = np.indices((y, x))
    target = (0.5 + 0.3 * np.sin(0.3 * i + 0.2 * np.sqrt(i * j + 1)) + 0.05 * rng.normal(size=(y, x))).astype(np.float32)
    blurred = (target + np.roll(target, 1, 0) + np.roll(target, 1, 1)) / 3
    return blurred.astype(np.float32), target, (rng.random((y, x)) < 0.8).astype(np.float32)


def compare(kind, y, x, strength):
    rng = np.random.default_rng(y)
    torch.manual_seed(y)
    net = eager_zssr.Net()
    with torch.no_grad():
        for w in net.weights:
            w.normal_(0, strength / (9 * w.shape[1]) ** 0.5)
    image, target, inside = images(rng, y, x)
    with tempfile.TemporaryDirectory() as folder:
        given, made = os.path.join(folder, "in"), os.path.join(folder, "out")
        tensors = {f"weight{i}": w.detach().numpy() for i, w in enumerate(net.weights)}
        safetensors_plain.write(given, {**tensors, "input": image, "target": target, "inside": inside}, {})
        done = subprocess.run([TOOL, kind, given, made], check=False)
        if done.returncode == 77:
            print(f"     no {kind} network here")
            return
        assert done.returncode == 0
        ours, _ = safetensors_plain.read(made)

    def near(name, theirs, bound):
        theirs = theirs.detach().numpy()
        error = np.abs(ours[name] - theirs).max() / np.abs(theirs).max()
        assert error < bound, f"{kind} {y}x{x} {name}: {error}"

    trainer = eager_zssr.Trainer(net)
    near("output", net(torch.from_numpy(image)[None, None])[0, 0], 1e-5)
    loss = trainer.step(torch.from_numpy(image), torch.from_numpy(target), torch.from_numpy(inside))
    assert abs(ours["loss"][0] - loss) < 1e-5 * loss
    for i, w in enumerate(net.weights):
        # One pixel that rounding takes to the other side of a ReLU is seen in all weights before it.
        near(f"gradient{i}", w.grad, 2e-3)
        # Adam's first step is the rate times the gradient's sign, so weights differ where a gradient is nearly 0.
        near_zero = w.grad.abs() < 1e-3 * w.grad.abs().max()
        error = np.abs(ours[f"updated{i}"] - w.detach().numpy())[~near_zero.numpy()].max()
        assert error < 1e-6 + 1e-5 * w.abs().max().item(), f"{kind} updated{i}: {error}"


def test_step_by_libtorch():
    compare("torch", 48, 52, 1.2)


def test_step_by_onednn():
    for y, x in ((128, 128), (48, 52), (33, 70)):
        compare("onednn", y, x, 1.2)


if __name__ == "__main__":
    harness.main(globals())
