# SPDX-License-Identifier: Apache-2.0
"""Five Adam steps here and in eager PyTorch, same weights, same patches: losses and weights agree."""
import os
import tempfile

import harness
import numpy as np
import torch

import eager
import safetensors_plain
import tvx
import tvx_train
import unet3d

torch.set_num_threads(1)
LIB = tvx.load()
MEAN, STD = 120.0, 55.0


def patches(rng, shape, classes, count):
    """Noisy stripes, a fifth of the voxels not labelled."""
    result = []
    for _ in range(count):
        z, y, x = np.indices(shape)
        labels = ((x + 2 * y + z + rng.integers(20)) // 5 % classes).astype(np.uint8)
        voxels = np.clip(40 + 50 * labels + rng.normal(0, 20, shape), 0, 255).astype(np.uint8)
        labels[rng.random(shape) < 0.2] = 255
        result.append((voxels, labels))
    return result


def weights_of(model):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.safetensors")
        model.save(path)
        return safetensors_plain.read(path)[0]


def compare(name, target_class=None, batch=1, weight_decay=0.0, pools=None, **fields):
    classes, shape = 3, (8, 16, 24)
    arch = LIB.arch(pools=pools, out_channels=classes if target_class is None else 1, levels=3, f_maps=8, num_groups=2,
                    **fields)
    model = LIB.create(arch, 3)
    start = weights_of(model)
    # With Adam's usual epsilon a weight whose gradient is nearly 0 moves by a whole step to the side that rounding
    # picks, and one voxel that flips at a ReLU is seen in all weights; a larger one keeps the steps smooth.
    epsilon = 1e-2
    options = tvx_train.options(LIB, shape, learning_rate=4e-4, weight_decay=weight_decay, epsilon=epsilon,
                                target_class=-1 if target_class is None else target_class)
    ours = tvx_train.Trainer(model, options, threads=1)
    net = unet3d.UNet3d(arch)
    net.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in start.items()})
    theirs = eager.EagerTrainer(net, 4e-4, target_class, weight_decay=weight_decay, eps=epsilon)

    rng, loss = np.random.default_rng(7), 0.0
    for _ in range(5):
        blocks = patches(rng, shape, classes, batch)
        loss = max(loss, abs(ours.step(blocks, MEAN, STD) - theirs.step(blocks, MEAN, STD)))
    mine, expected = weights_of(ours.model()), net.state_dict()
    assert list(mine) == list(expected)
    weight = max(float(np.abs(mine[k] - v.numpy()).max()) for k, v in expected.items())
    moved = max(float(np.abs(mine[k] - start[k]).max()) for k in mine if "running" not in k and "num_" not in k)
    print(f"  {name}: losses within {loss:.1e}, weights within {weight:.1e}, which moved by up to {moved:.1e}")
    assert loss < 1e-4 and weight < 1e-4 and moved > 3e-4


def test_every_order_target_and_batch_trains_as_pytorch_does():
    for name, order in (("cbr", tvx.CBR), ("gcr", tvx.GCR)):
        compare(f"{name}, all classes", order=order)
        compare(f"{name}, class 2 against the rest", order=order, target_class=2)
        compare(f"{name}, batch of 2", order=order, batch=2)


def test_weight_decay_is_adams_l2_penalty():
    compare("weight decay", weight_decay=0.01)


def test_other_architectures_train_as_pytorch_does():
    compare("pools 1,2,2", pools={0: (1, 2, 2)})
    compare("transposed", upsample=tvx.TRANSPOSED)
    compare("residual, transposed3, gcr", upsample=tvx.TRANSPOSED3, residual=1, order=tvx.GCR)


if __name__ == "__main__":
    harness.main(globals())
