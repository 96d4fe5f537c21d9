# SPDX-License-Identifier: Apache-2.0
"""The 3D U-Net in plain PyTorch, written from pytorch-3dunet's definitions, with its parameter names: what ours is compared with.
An architecture is the dictionary that a model's file carries as teravox.arch."""
import json

import torch
from torch import nn
from torch.nn import functional as F

import safetensors_plain


def groups(arch, channels):
    return 1 if channels < arch["num_groups"] else arch["num_groups"]


def single_conv(arch, cin, cout, relu=True):
    layers = nn.Sequential()
    if arch["order"] == "gcr":
        layers.add_module("groupnorm", nn.GroupNorm(groups(arch, cin), cin))
    layers.add_module("conv", nn.Conv3d(cin, cout, 3, padding=1, bias=False))
    if arch["order"] == "cbr":
        layers.add_module("batchnorm", nn.BatchNorm3d(cout))
    if relu:
        layers.add_module("ReLU", nn.ReLU(inplace=True))
    return layers


class DoubleConv(nn.Sequential):
    def __init__(self, arch, cin, middle, cout):
        super().__init__()
        self.add_module("SingleConv1", single_conv(arch, cin, middle))
        self.add_module("SingleConv2", single_conv(arch, middle, cout))


class ResNetBlock(nn.Module):
    def __init__(self, arch, cin, cout):
        super().__init__()
        self.conv1 = nn.Conv3d(cin, cout, 1) if cin != cout else nn.Identity()
        self.conv2 = single_conv(arch, cout, cout)
        self.conv3 = single_conv(arch, cout, cout, relu=False)

    def forward(self, x):
        x = self.conv1(x)
        return F.relu(self.conv3(self.conv2(x)) + x)


class Encoder(nn.Module):
    def __init__(self, arch, level):
        super().__init__()
        cin = arch["f_maps"] << level - 1 if level else arch["in_channels"]
        cout = arch["f_maps"] << level
        self.pool = tuple(arch["pool"][level - 1]) if level else None
        self.basic_module = (ResNetBlock(arch, cin, cout) if arch["residual"]
                             else DoubleConv(arch, cin, max(cout // 2, cin), cout))

    def forward(self, x):
        return self.basic_module(F.max_pool3d(x, self.pool) if self.pool else x)


class Transposed(nn.Module):
    def __init__(self, arch, level):
        super().__init__()
        stride = tuple(arch["pool"][level])
        three = arch["upsample"] == "transposed3"
        self.conv_transposed = nn.ConvTranspose3d(arch["f_maps"] << level + 1, arch["f_maps"] << level, 3 if three else stride,
                                                  stride=stride, padding=1 if three else 0, bias=False)

    def forward(self, x, size):
        return F.interpolate(self.conv_transposed(x), size=size)


class Upsampling(nn.Module):
    def __init__(self, arch, level):
        super().__init__()
        self.upsample = Transposed(arch, level)


class Decoder(nn.Module):
    def __init__(self, arch, level):
        super().__init__()
        cout = arch["f_maps"] << level
        self.summed = arch["residual"]
        self.upsampling = Upsampling(arch, level) if arch["upsample"] != "nearest" else None
        if arch["residual"]:
            self.basic_module = ResNetBlock(arch, cout, cout)
        else:
            up = cout if self.upsampling else cout * 2
            self.basic_module = DoubleConv(arch, cout + up, cout, cout)

    def forward(self, skip, x):
        size = skip.shape[2:]
        x = self.upsampling.upsample(x, size) if self.upsampling else F.interpolate(x, size=size)
        return self.basic_module(skip + x if self.summed else torch.cat((skip, x), 1))


class UNet3d(nn.Module):
    def __init__(self, arch):
        super().__init__()
        self.encoders = nn.ModuleList(Encoder(arch, k) for k in range(arch["levels"]))
        self.decoders = nn.ModuleList(Decoder(arch, k) for k in reversed(range(arch["levels"] - 1)))
        self.final_conv = nn.Conv3d(arch["f_maps"], arch["out_channels"], 1)

    def forward(self, x):
        """(batch, 1, z, y, x) -> logits (batch, classes, z, y, x)."""
        skips = []
        for encoder in self.encoders:
            x = encoder(x)
            skips.append(x)
        skips.pop()
        for decoder in self.decoders:
            x = decoder(skips.pop(), x)
        return self.final_conv(x)


def randomise_norms(net, seed):
    """Norms away from the identity, so that a wrong fold shows."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if "norm." in name and tensor.dim() == 1:
                low, high = (.6, 1.5) if name.endswith(("weight", "var")) else (-.3, .3)
                tensor.uniform_(low, high, generator=generator)
    return net


def load(path):
    """The network of a model's file, in eval mode, and its architecture."""
    tensors, metadata = safetensors_plain.read(path)
    arch = json.loads(metadata["teravox.arch"])
    net = UNet3d(arch)
    net.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in tensors.items()})
    return net.eval(), arch
