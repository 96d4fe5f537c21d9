# SPDX-License-Identifier: Apache-2.0
"""A training step as a script in plain eager PyTorch has it: what the trainer is compared with."""
import torch
import torch.nn.functional as F


class EagerTrainer:
    """MultiLabelSoftMarginLoss on one-hot targets, label 255 left out, and Adam."""

    def __init__(self, net, learning_rate, target_class=None, **adam):
        self.net, self.target_class = net.train(), target_class
        self.adam = torch.optim.Adam(net.parameters(), learning_rate, **adam)

    def step(self, blocks, mean, std):
        raw = torch.stack([(torch.from_numpy(v.astype("float32")) - mean) / std for v, _ in blocks])[:, None]
        labels = torch.stack([torch.from_numpy(l) for _, l in blocks]).long()
        self.adam.zero_grad(set_to_none=True)
        logits = self.net(raw).movedim(1, -1)
        known = labels != 255
        if self.target_class is None:
            target = F.one_hot(labels.where(known, labels.new_zeros(())), logits.shape[-1])
        else:
            target = (labels == self.target_class)[..., None]
        if known.all():
            logits, target = logits.reshape(-1, logits.shape[-1]), target.reshape(-1, logits.shape[-1])
        else:
            logits, target = logits[known], target[known]
        loss = F.multilabel_soft_margin_loss(logits, target.float())
        loss.backward()
        self.adam.step()
        return loss.item()
