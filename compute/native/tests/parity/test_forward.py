# SPDX-License-Identifier: Apache-2.0
"""The library's forward pass against Python's PyTorch with the same weights, exchanged through safetensors."""
import os
import tempfile

import harness
import numpy as np
import torch

import safetensors_plain
import tvx
import unet3d

torch.set_num_threads(1)
LIB = tvx.load()
ARCHS = {
    "f32 L4 cbr": LIB.arch(),
    "f32 L3 gcr": LIB.arch(levels=3, order=tvx.GCR),
    "cbr 8 classes": LIB.arch(levels=3, f_maps=8, out_channels=8),
    "cbr pools 1,2,2": LIB.arch(levels=4, f_maps=8, pools={0: (1, 2, 2), 1: (1, 2, 2)}),
    "cbr pools 3,1,2 2,4,1": LIB.arch(levels=3, f_maps=8, pools={0: (3, 1, 2), 1: (2, 4, 1)}),
    "gcr odd groups": LIB.arch(levels=3, f_maps=24, num_groups=4, order=tvx.GCR),
    "cbr transposed": LIB.arch(levels=3, f_maps=8, upsample=tvx.TRANSPOSED, pools={0: (1, 2, 2)}),
    "cbr transposed3": LIB.arch(levels=3, f_maps=8, upsample=tvx.TRANSPOSED3),
    "residual gcr transposed3": LIB.arch(levels=4, f_maps=8, residual=1, order=tvx.GCR, upsample=tvx.TRANSPOSED3),
    "residual cbr transposed3 1,2,2": LIB.arch(levels=3, f_maps=8, residual=1, upsample=tvx.TRANSPOSED3,
                                               pools={0: (1, 2, 2)}),
    "residual cbr transposed": LIB.arch(levels=3, f_maps=8, residual=1, upsample=tvx.TRANSPOSED),
}


def volume(shape, kind=np.uint8):
    return np.random.default_rng(3).integers(0, np.iinfo(kind).max, shape, dtype=kind, endpoint=True)


def pair(arch, directory):
    """The same weights as a model of the library and as a PyTorch module."""
    torch.manual_seed(1)
    net = unet3d.randomise_norms(unet3d.UNet3d(arch), 2).eval()
    made = LIB.create(arch)
    path = os.path.join(directory, "made")
    made.save(path)
    _, metadata = safetensors_plain.read(path)
    assert made.names == list(net.state_dict()), "names or their order differ from PyTorch's state_dict"
    safetensors_plain.write(path, {k: v.numpy() for k, v in net.state_dict().items()}, metadata)
    return LIB.open(path), net


def reference(net, voxels, mean, std):
    with torch.no_grad():
        return net(torch.from_numpy((voxels.astype(np.float32) - np.float32(mean)) / np.float32(std))[None, None])[0].numpy()


def test_logits_agree_with_pytorch():
    with tempfile.TemporaryDirectory() as directory:
        for name, arch in ARCHS.items():
            model, net = pair(arch, directory)
            _, grid = LIB.reach(arch)
            voxels = volume([-(-s // g) * g for s, g in zip((16, 24, 40), grid)])
            expected = reference(net, voxels, 120.5, 61.25)
            session = model.session(threads=2)
            got = session.logits(voxels, mean=120.5, std=61.25)
            difference = np.abs(got - expected).max()
            print(f"  {name}: {difference:.1e}")
            assert difference < 1e-4, f"{name}: {difference}"
            core = dict(core_start=(3, 8, 16), core_shape=(5, 9, 20))
            part = session.logits(voxels, mean=120.5, std=61.25, **core)
            assert np.abs(part - expected[:, 3:8, 8:17, 16:36]).max() < 1e-4, name


def test_probabilities_are_quantised_sigmoids():
    with tempfile.TemporaryDirectory() as directory:
        for kind in (np.uint8, np.uint16):
            model, _ = pair(LIB.arch(levels=2, f_maps=4, out_channels=3), directory)
            session = model.session()
            voxels = volume((6, 8, 10), kind)
            mean, std = float(voxels.mean()), float(voxels.std()) / 500  # far out, so that 0 and 255 occur
            logits = session.logits(voxels, mean=mean, std=std).astype(np.float64)
            levels = session.infer(voxels, mean=mean, std=std)
            exact = 255 / (1 + np.exp(-logits))
            assert np.abs(levels - exact).max() <= 0.5 + 1e-4
            assert levels.min() < 20 and levels.max() > 235


def test_a_fresh_model_has_pytorchs_distribution():
    arch = LIB.arch(levels=3, f_maps=16, residual=1, upsample=tvx.TRANSPOSED3)
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "m")
        LIB.create(arch, seed=11).save(path)
        ours, _ = safetensors_plain.read(path)
    theirs = unet3d.UNet3d(arch).state_dict()
    for name, tensor in theirs.items():
        if tensor.numel() < 2000:
            continue
        # Uniform in +-bound: the largest magnitudes of thousands of draws lie within 1 % of the bound.
        ratio = np.abs(ours[name]).max() / tensor.abs().max().item()
        assert .98 < ratio < 1.02, f"{name}: bounds differ by the factor {ratio}"
        assert abs(ours[name].mean()) < .1 * np.abs(ours[name]).max()


def test_a_saved_card_comes_back_and_files_are_the_same_bytes():
    with tempfile.TemporaryDirectory() as directory:
        a, b = os.path.join(directory, "a"), os.path.join(directory, "b")
        model = LIB.create(LIB.arch(levels=2, f_maps=4), seed=5)
        assert model.card == ""
        card = '{"classes": ["m\u00e9mbrane", "b"], "mean": 1.5}'
        model.save(a, card)
        again = LIB.open(a)
        assert again.card == card
        again.save(b, again.card)
        with open(a, "rb") as first, open(b, "rb") as second:
            assert first.read() == second.read()
        tensors, metadata = safetensors_plain.read(a)
        assert metadata["teravox.card"] == card
        assert list(tensors) == model.names


if __name__ == "__main__":
    harness.main(globals())
