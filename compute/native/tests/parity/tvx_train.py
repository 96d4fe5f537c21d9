# SPDX-License-Identifier: Apache-2.0
"""The augmentation and training part of teravox.h for Python, by ctypes; for tests and benchmarks only."""
import ctypes as c
import json
import os
import struct

import numpy as np

_HERE = os.path.dirname(os.path.abspath(__file__))


class Arch(c.Structure):
    _fields_ = [(n, c.c_int32) for n in ("in_channels", "out_channels", "levels", "f_maps", "order", "num_groups",
                                         "upsample", "residual")] + [("pool", c.c_int32 * 3 * 7)]


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


_lib = c.CDLL(os.environ.get("TERAVOX_LIBRARY", os.path.join(_HERE, "../../../../build/native/lib/libteravox.so")))
_lib.tvx_last_error.restype = c.c_char_p
_lib.tvx_trainer_iteration.restype = c.c_int64
_lib.tvx_trainer_iteration.argtypes = [c.c_void_p]
for _name in ("tvx_model_free", "tvx_trainer_free", "tvx_train_defaults", "tvx_arch_defaults"):
    getattr(_lib, _name).restype = None
    getattr(_lib, _name).argtypes = [c.c_void_p]


def _call(name, *arguments):
    if getattr(_lib, name)(*arguments) != 0:
        raise RuntimeError(_lib.tvx_last_error().decode())


def arch(**fields):
    result = Arch()
    _lib.tvx_arch_defaults(c.byref(result))
    for name, value in fields.items():
        setattr(result, name, value)
    return result


def train_options(patch, augment=False, **fields):
    result = TrainOptions()
    _lib.tvx_train_defaults(c.byref(result))
    result.patch[:] = patch
    if not augment:
        result.augment.switch_off()
    for name, value in fields.items():
        setattr(result, name, value)
    return result


def source_shape(options):
    result = (c.c_int64 * 3)()
    _call("tvx_augment_source_shape", c.byref(options.augment), options.patch, result)
    return tuple(result)


def read_safetensors(path):
    """Names and arrays in the order of the file."""
    with open(path, "rb") as f:
        (length,) = struct.unpack("<Q", f.read(8))
        header, data = json.loads(f.read(length)), f.read()
    header.pop("__metadata__", None)
    types = {"F32": np.float32, "I64": np.int64}
    return {name: np.frombuffer(data[slice(*e["data_offsets"])], types[e["dtype"]]).reshape(e["shape"])
            for name, e in sorted(header.items(), key=lambda item: item[1]["data_offsets"])}


class Model:
    def __init__(self, arch=None, seed=0, handle=None):
        self.handle = handle or c.c_void_p()
        if handle is None:
            _call("tvx_model_create", c.byref(arch), c.c_uint64(seed), c.byref(self.handle))

    def save(self, path):
        _call("tvx_model_save", self.handle, path.encode(), None)

    def __del__(self):
        _lib.tvx_model_free(self.handle)


class Trainer:
    def __init__(self, model, options, threads=2, device="cpu"):
        self.handle = c.c_void_p()
        _call("tvx_trainer_create", model.handle, c.byref(options), device.encode(), threads, c.byref(self.handle))

    def step(self, blocks, mean, std):
        """blocks: pairs of uint8 or uint16 voxels and uint8 labels."""
        natives = (Block * len(blocks))()
        for native, (voxels, labels) in zip(natives, blocks):
            assert voxels.flags.c_contiguous and labels.flags.c_contiguous and labels.dtype == np.uint8
            native.voxels, native.labels = voxels.ctypes.data, labels.ctypes.data
            native.voxel_type = {"uint8": 0, "uint16": 1}[voxels.dtype.name]
            native.shape[:] = voxels.shape
            native.mean, native.std = mean, std
        loss = c.c_double()
        _call("tvx_trainer_step", self.handle, natives, len(blocks), c.byref(loss), None)
        return loss.value

    @property
    def iteration(self):
        return _lib.tvx_trainer_iteration(self.handle)

    def model(self):
        handle = c.c_void_p()
        _call("tvx_trainer_model", self.handle, c.byref(handle))
        return Model(handle=handle)

    def __del__(self):
        _lib.tvx_trainer_free(self.handle)


class Cutter:
    """Cuts patches out of one block: cutter(index) gives the image and the labels of that draw."""

    def __init__(self, options, block, mean, std):
        self.options, self.kept = options, block
        voxels, labels = block
        self.block = Block(voxels.ctypes.data, labels.ctypes.data, {"uint8": 0, "uint16": 1}[voxels.dtype.name],
                           voxels.shape, mean, std)
        self.raw, self.labels = np.empty(tuple(options.patch), np.float32), np.empty(tuple(options.patch), np.uint8)

    def __call__(self, index):
        _call("tvx_augment", c.byref(self.options.augment), c.c_uint64(self.options.seed), c.c_uint64(index),
              c.byref(self.block), self.options.patch, self.raw.ctypes.data_as(c.c_void_p),
              self.labels.ctypes.data_as(c.c_void_p))
        return self.raw, self.labels
