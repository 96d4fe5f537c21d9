# SPDX-License-Identifier: Apache-2.0
"""ZSSR as a script in plain eager PyTorch has it: what ours is compared with. Images are tensors (y, x), 0..1."""
import math

import numpy as np
import torch
import torch.nn.functional as F


class Net(torch.nn.Module):
    """Eight 3x3 convolutions, 64 channels, ReLU between them, no bias, added to the input."""

    def __init__(self):
        super().__init__()
        channels = [1] + 7 * [64] + [1]
        self.weights = torch.nn.ParameterList()
        for a, b in zip(channels, channels[1:]):
            self.weights.append(torch.nn.Parameter(torch.randn(b, a, 3, 3) * (0.1 / (9 * a)) ** 0.5))

    def forward(self, image):
        x = image
        for i, w in enumerate(self.weights):
            x = F.conv2d(x, w, padding=1)
            if i + 1 < len(self.weights):
                x = F.relu(x)
        return x + image


class Trainer:
    """Adam on the mean absolute difference over the pixels inside."""

    def __init__(self, net, learning_rate=1e-3):
        self.net, self.adam = net, torch.optim.Adam(net.parameters(), learning_rate)

    def step(self, image, target, inside):
        self.adam.zero_grad(set_to_none=True)
        output = self.net(image[None, None])[0, 0]
        loss = ((output - target) * inside).abs().sum() / inside.sum()
        loss.backward()
        self.adam.step()
        return loss.item()


def resized(image, shape):
    """Bicubic (a = -1/2), against aliasing where it reduces."""
    return F.interpolate(image[None, None], size=tuple(shape), mode="bicubic", antialias=True, align_corners=False)[0, 0]


def son_enlarged(image, scale):
    son = resized(image, [max(1, round(n / scale)) for n in image.shape]).clamp(0, 1)
    return resized(son, image.shape)


def affine_crop(father, rng, crop):
    """Shrunk to .5-1, turned by any angle, slightly stretched and sheared; and which pixels are inside the father."""
    scale, difference = rng.uniform(.5, 1), np.clip(rng.normal(0, .25), -.5, .5)
    shear = np.clip(rng.normal(0, .1, 2), -.2, .2)
    angle = rng.uniform(0, 2 * math.pi)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    matrix = np.linalg.inv(turn @ np.array([[1, shear[0]], [shear[1], 1]])
                           @ np.diag([scale * (1 - difference / 2), scale * (1 + difference / 2)]))
    size = np.array(father.shape)
    half = np.abs(matrix) @ np.full(2, (crop - 1) / 2)
    low, high = np.minimum(1 + half, size - 2 - half), np.maximum(1 + half, size - 2 - half)
    centre = rng.uniform(low, high)
    offset = torch.arange(crop, dtype=torch.float32) - (crop - 1) / 2
    v, u = torch.meshgrid(offset, offset, indexing="ij")
    y = centre[0] + matrix[0, 0] * v + matrix[0, 1] * u
    x = centre[1] + matrix[1, 0] * v + matrix[1, 1] * u
    grid = torch.stack([(2 * x + 1) / size[1] - 1, (2 * y + 1) / size[0] - 1], -1)[None].float()
    pixels = F.grid_sample(father[None, None], grid, mode="bicubic", padding_mode="reflection", align_corners=False)
    inside = (y >= 1) & (y <= size[0] - 2) & (x >= 1) & (x <= size[1] - 2)
    return pixels[0, 0].clamp(0, 1), inside.float()


def exact_crop(father, rng, crop, turned):
    top, left = (int(rng.integers(n - crop + 1)) for n in father.shape)
    pixels = father[top:top + crop, left:left + crop]
    if turned:
        pixels = torch.rot90(pixels, int(rng.integers(4)))
        pixels = pixels.flip(0) if rng.random() < .5 else pixels
    return pixels, torch.ones(crop, crop)


def random_crop(father, rng, crop):
    chosen = rng.random()
    return affine_crop(father, rng, crop) if chosen >= .5 else exact_crop(father, rng, crop, turned=chosen >= .05)


class Zssr:
    """Training for a fixed number of iterations, and the output; the reconstruction error every 50 as in ours."""

    def __init__(self, image, scale=2, crop=128, seed=0):
        torch.manual_seed(seed)
        self.image, self.scale, self.crop = image, scale, crop
        self.rng, self.trainer = np.random.default_rng(seed), Trainer(Net())
        self.test = son_enlarged(image, scale)

    def train(self, iterations):
        error = None
        for i in range(iterations):
            father, inside = random_crop(self.image, self.rng, self.crop)
            self.trainer.step(son_enlarged(father, self.scale), father, inside)
            if i % 50 == 0:
                error = (self.forward(self.test) - self.image).square().mean().sqrt().item()
        return error

    def forward(self, image):
        with torch.no_grad():
            return self.trainer.net(image[None, None])[0, 0].clamp(0, 1)

    def back_projected(self, high):
        for _ in range(10):
            lacking = self.image - resized(high, self.image.shape)
            high = (high + resized(lacking, high.shape)).clamp(0, 1)
        return high

    def output(self):
        start = resized(self.image, [math.ceil(n * self.scale) for n in self.image.shape])
        outputs = []
        for k in range(8):
            turned = torch.rot90(start, k % 4) if k < 4 else torch.rot90(start, k % 4).flip(0)
            made = self.forward(turned.contiguous())
            made = torch.rot90(made, -(k % 4)) if k < 4 else torch.rot90(made.flip(0), -(k % 4))
            outputs.append(self.back_projected(made.contiguous()))
        ordered = torch.stack(outputs).sort(0).values
        return self.back_projected((ordered[3] + ordered[4]) / 2)
