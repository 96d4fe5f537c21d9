# SPDX-License-Identifier: Apache-2.0
"""The augmentation and training part of teravox.h, on top of tvx."""
import ctypes as c

import numpy as np

import tvx


class AugmentOptions(c.Structure):
    _fields_ = [("spacing", c.c_double * 3), ("flip_probability", c.c_double * 3),
                ("rotation_probability", c.c_double), ("rotation_degrees", c.c_double * 3),
                ("scaling_probability", c.c_double), ("scaling_range", c.c_double * 2),
                ("elastic_probability", c.c_double), ("elastic_amplitude", c.c_double),
                ("elastic_spacing", c.c_double), ("contrast_probability", c.c_double),
                ("contrast_range", c.c_double * 2), ("noise_probability", c.c_double),
                ("noise_range", c.c_double * 2), ("blur_probability", c.c_double), ("blur_range", c.c_double * 2),
                ("sharpen_probability", c.c_double), ("sharpen_range", c.c_double * 2)]

    def switch_off(self):
        self.flip_probability[:] = (0, 0, 0)
        for name, _ in self._fields_:
            if name.endswith("_probability") and name != "flip_probability":
                setattr(self, name, 0)


class Block(c.Structure):
    _fields_ = [("voxels", c.c_void_p), ("labels", c.c_void_p), ("voxel_type", c.c_int32), ("shape", c.c_int64 * 3),
                ("mean", c.c_float), ("std", c.c_float)]


class TrainOptions(c.Structure):
    _fields_ = [("learning_rate", c.c_double), ("beta1", c.c_double), ("beta2", c.c_double), ("epsilon", c.c_double),
                ("weight_decay", c.c_double), ("seed", c.c_uint64), ("target_class", c.c_int32),
                ("patch", c.c_int64 * 3), ("augment", AugmentOptions)]


def options(library, patch, augment=False, **fields):
    """The defaults with these fields, without augmentation unless asked."""
    result = TrainOptions()
    library.lib.tvx_train_defaults(c.byref(result))
    result.patch[:] = patch
    if not augment:
        result.augment.switch_off()
    for name, value in fields.items():
        setattr(result, name, value)
    return result


def source_shape(library, o):
    result = (c.c_int64 * 3)()
    library.check(library.lib.tvx_augment_source_shape(c.byref(o.augment), o.patch, result))
    return tuple(result)


def _block(voxels, labels, mean, std):
    assert voxels.flags.c_contiguous and labels.flags.c_contiguous and labels.dtype == np.uint8
    return Block(voxels.ctypes.data, labels.ctypes.data, {"uint8": 0, "uint16": 1}[voxels.dtype.name],
                 (c.c_int64 * 3)(*voxels.shape), mean, std)


class Cutter:
    """Cuts patches out of one block: cutter(index) gives the image and the labels of that draw."""

    def __init__(self, library, o, voxels, labels, mean, std):
        self.library, self.options, self.kept = library, o, (voxels, labels)
        self.block = _block(voxels, labels, mean, std)
        self.raw, self.labels = np.empty(tuple(o.patch), np.float32), np.empty(tuple(o.patch), np.uint8)

    def __call__(self, index):
        self.library.check(self.library.lib.tvx_augment(
            c.byref(self.options.augment), c.c_uint64(self.options.seed), c.c_uint64(index), c.byref(self.block),
            self.options.patch, self.raw.ctypes.data_as(c.c_void_p), self.labels.ctypes.data_as(c.c_void_p)))
        return self.raw, self.labels


class Trainer:
    def __init__(self, model, o, threads=2, device="cpu"):
        self.library, self.handle = model.library, c.c_void_p()
        self.library.check(self.library.lib.tvx_trainer_create(
            model.handle, c.byref(o), device.encode(), threads, c.byref(self.handle)))

    def __del__(self):
        self.library.lib.tvx_trainer_free(self.handle)

    def step(self, blocks, mean, std):
        """One iteration on pairs of voxels and labels; returns the loss."""
        natives, loss = (Block * len(blocks))(*[_block(v, l, mean, std) for v, l in blocks]), c.c_double()
        self.library.check(self.library.lib.tvx_trainer_step(self.handle, natives, len(blocks), c.byref(loss), None))
        return loss.value

    def model(self):
        handle = c.c_void_p()
        self.library.check(self.library.lib.tvx_trainer_model(self.handle, c.byref(handle)))
        return tvx.Model(self.library, handle)
