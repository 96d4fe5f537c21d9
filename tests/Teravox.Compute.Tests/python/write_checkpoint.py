# SPDX-License-Identifier: Apache-2.0
"""Writes argv[2], a checkpoint as pytorch-3dunet does, of a network by the modules in the folder argv[1]."""
import sys

sys.path.insert(0, sys.argv[1])
import torch  # noqa: E402
import tvx  # noqa: E402
import unet3d  # noqa: E402

net = unet3d.UNet3d(tvx.Arch(1, 2, 3, 8, tvx.CBR, 8, tvx.NEAREST, 0))
torch.save({"model_state_dict": net.state_dict()}, sys.argv[2])
