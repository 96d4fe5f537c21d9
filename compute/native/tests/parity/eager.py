# SPDX-License-Identifier: Apache-2.0
"""A 3D U-Net and its training step in plain eager PyTorch: what the trainer is compared with."""
import torch
import torch.nn.functional as F
from torch import nn


class SingleConv(nn.Module):
    def __init__(self, inputs, outputs, order, groups):
        super().__init__()
        if order == "gcr":
            self.groupnorm = nn.GroupNorm(groups if inputs >= groups else 1, inputs)
        self.conv = nn.Conv3d(inputs, outputs, 3, padding=1, bias=False)
        if order == "cbr":
            self.batchnorm = nn.BatchNorm3d(outputs)

    def forward(self, x):
        if hasattr(self, "groupnorm"):
            return F.relu_(self.conv(self.groupnorm(x)))
        return F.relu_(self.batchnorm(self.conv(x)))


class Stage(nn.Module):
    def __init__(self, inputs, middle, outputs, order, groups):
        super().__init__()
        self.basic_module = nn.Sequential()
        self.basic_module.add_module("SingleConv1", SingleConv(inputs, middle, order, groups))
        self.basic_module.add_module("SingleConv2", SingleConv(middle, outputs, order, groups))

    def forward(self, x):
        return self.basic_module(x)


class UNet(nn.Module):
    def __init__(self, outputs, levels=4, f_maps=32, order="cbr", groups=8):
        super().__init__()
        maps = [f_maps << k for k in range(levels)]
        below = [1] + maps
        self.encoders = nn.ModuleList(
            Stage(below[k], max(maps[k] // 2, below[k]), maps[k], order, groups) for k in range(levels))
        self.decoders = nn.ModuleList(
            Stage(maps[k] + maps[k + 1], maps[k], maps[k], order, groups) for k in reversed(range(levels - 1)))
        self.final_conv = nn.Conv3d(f_maps, outputs, 1)

    def forward(self, x):
        skips = []
        for k, encoder in enumerate(self.encoders):
            x = encoder(F.max_pool3d(x, 2) if k else x)
            skips.append(x)
        skips.pop()
        for decoder in self.decoders:
            skip = skips.pop()
            x = decoder(torch.cat([skip, F.interpolate(x, size=skip.shape[2:], mode="nearest")], 1))
        return self.final_conv(x)


class EagerTrainer:
    """MultiLabelSoftMarginLoss on one-hot targets and Adam, as a script with PyTorch has them."""

    def __init__(self, net, learning_rate, target_class=None, **adam):
        self.net, self.target_class = net.train(), target_class
        self.adam = torch.optim.Adam(net.parameters(), learning_rate, **adam)

    def step(self, blocks, mean, std):
        raw = torch.stack([(torch.from_numpy(v.astype("float32")) - mean) / std for v, _ in blocks])[:, None]
        labels = torch.stack([torch.from_numpy(l) for _, l in blocks]).long()
        self.adam.zero_grad(set_to_none=True)
        logits = self.net(raw).movedim(1, -1)
        if self.target_class is None:
            target = F.one_hot(labels.where(labels != 255, labels.new_zeros(())), logits.shape[-1])
        else:
            target = (labels == self.target_class)[..., None]
        known = labels != 255
        if known.all():
            logits, target = logits.reshape(-1, logits.shape[-1]), target.reshape(-1, logits.shape[-1])
        else:
            logits, target = logits[known], target[known]
        loss = F.multilabel_soft_margin_loss(logits, target.float())
        loss.backward()
        self.adam.step()
        return loss.item()
