# SPDX-License-Identifier: Apache-2.0
"""teravox.h for Python's tests, through ctypes. numpy in, numpy out; a failed call raises TeravoxError."""
import ctypes as c
import os

import numpy as np

MAX_LEVELS = 8
CBR, GCR = 0, 1
NEAREST, TRANSPOSED, TRANSPOSED3 = 0, 1, 2
STATUS = {100: "BAD_ARGUMENT", 101: "BAD_SHAPE", 200: "IO", 201: "BAD_FORMAT", 202: "MISMATCH", 300: "NO_MEMORY",
          301: "NO_DEVICE", 400: "ABORTED", 900: "INTERNAL"}


class TeravoxError(Exception):
    def __init__(self, status, text):
        super().__init__(f"{STATUS.get(status, status)}: {text}")
        self.status, self.text = status, text


class Arch(c.Structure):
    _fields_ = [("in_channels", c.c_int32), ("out_channels", c.c_int32), ("levels", c.c_int32),
                ("f_maps", c.c_int32), ("order", c.c_int32), ("num_groups", c.c_int32), ("upsample", c.c_int32),
                ("residual", c.c_int32), ("pool", (c.c_int32 * 3) * (MAX_LEVELS - 1))]


class Tile(c.Structure):
    _fields_ = [("voxels", c.c_void_p), ("voxel_type", c.c_int32), ("shape", c.c_int64 * 3),
                ("core_start", c.c_int64 * 3), ("core_shape", c.c_int64 * 3), ("mean", c.c_float), ("std", c.c_float)]


ABORT = c.CFUNCTYPE(c.c_int32, c.c_void_p)
PROGRESS = c.CFUNCTYPE(None, c.c_double, c.c_void_p)


class Callbacks(c.Structure):
    _fields_ = [("abort", ABORT), ("progress", PROGRESS), ("user", c.c_void_p)]


def load(path=None):
    """The library at `path`, or where the environment's TERAVOX_LIBRARY says."""
    lib = c.CDLL(path or os.environ["TERAVOX_LIBRARY"])
    lib.tvx_last_error.restype = c.c_char_p
    lib.tvx_build_info.restype = c.c_char_p
    lib.tvx_model_card.restype = c.c_char_p
    lib.tvx_model_tensor_name.restype = c.c_char_p
    lib.tvx_model_parameter_count.restype = c.c_int64
    p = c.c_void_p
    for name, arguments in {
            "tvx_arch_reach": [p, p, p], "tvx_model_create": [p, c.c_uint64, p], "tvx_model_load": [c.c_char_p, p],
            "tvx_model_import": [c.c_char_p, p, p], "tvx_model_save": [p, c.c_char_p, c.c_char_p],
            "tvx_model_free": [p], "tvx_model_arch": [p, p], "tvx_model_card": [p], "tvx_model_parameter_count": [p],
            "tvx_model_tensor_count": [p], "tvx_model_tensor_name": [p, c.c_int32],
            "tvx_session_create": [p, c.c_char_p, c.c_int32, p], "tvx_session_free": [p],
            "tvx_session_infer": [p, p, p, p], "tvx_session_logits": [p, p, p, p]}.items():
        getattr(lib, name).argtypes = arguments
    return Library(lib)


class Library:
    def __init__(self, lib):
        self.lib = lib

    def check(self, status):
        if status != 0:
            raise TeravoxError(status, self.lib.tvx_last_error().decode())

    def arch(self, pools=None, **fields):
        """The defaults with these fields; pools: {level: (z, y, x)}."""
        arch = Arch()
        self.lib.tvx_arch_defaults(c.byref(arch))
        for name, value in fields.items():
            setattr(arch, name, value)
        for level, factors in (pools or {}).items():
            arch.pool[level][:] = factors
        return arch

    def reach(self, arch):
        reach, grid = (c.c_int32 * 3)(), (c.c_int32 * 3)()
        self.check(self.lib.tvx_arch_reach(c.byref(arch), reach, grid))
        return tuple(reach), tuple(grid)

    def create(self, arch, seed=0):
        return self._model(self.lib.tvx_model_create, c.byref(arch), seed)

    def open(self, path):
        return self._model(self.lib.tvx_model_load, os.fsencode(path))

    def import_checkpoint(self, path, pools=None):
        array = None if pools is None else ((c.c_int32 * 3) * len(pools))(*[(c.c_int32 * 3)(*p) for p in pools])
        return self._model(self.lib.tvx_model_import, os.fsencode(path), array)

    def _model(self, function, *arguments):
        handle = c.c_void_p()
        self.check(function(*arguments, c.byref(handle)))
        return Model(self, handle)


class Model:
    def __init__(self, library, handle):
        self.library, self.handle = library, handle

    def __del__(self):
        self.library.lib.tvx_model_free(self.handle)

    @property
    def arch(self):
        arch = Arch()
        self.library.check(self.library.lib.tvx_model_arch(self.handle, c.byref(arch)))
        return arch

    @property
    def card(self):
        return self.library.lib.tvx_model_card(self.handle).decode()

    @property
    def parameter_count(self):
        return self.library.lib.tvx_model_parameter_count(self.handle)

    @property
    def names(self):
        lib = self.library.lib
        return [lib.tvx_model_tensor_name(self.handle, i).decode() for i in range(lib.tvx_model_tensor_count(self.handle))]

    def save(self, path, card=None):
        self.library.check(self.library.lib.tvx_model_save(
            self.handle, os.fsencode(path), None if card is None else card.encode()))

    def session(self, threads=1, device="cpu"):
        return Session(self, threads, device)


class Session:
    def __init__(self, model, threads, device):
        self.library, self.handle = model.library, c.c_void_p()
        self.classes = model.arch.out_channels
        self.library.check(self.library.lib.tvx_session_create(model.handle, device.encode(), threads,
                                                               c.byref(self.handle)))

    def __del__(self):
        self.library.lib.tvx_session_free(self.handle)

    def infer(self, voxels, core_start=None, core_shape=None, mean=0.0, std=1.0, callbacks=None):
        """uint8 (classes, z, y, x)."""
        return self._run(self.library.lib.tvx_session_infer, np.uint8, voxels, core_start, core_shape, mean, std, callbacks)

    def logits(self, voxels, core_start=None, core_shape=None, mean=0.0, std=1.0, callbacks=None):
        """float32 (classes, z, y, x)."""
        return self._run(self.library.lib.tvx_session_logits, np.float32, voxels, core_start, core_shape, mean, std, callbacks)

    def _run(self, function, kind, voxels, core_start, core_shape, mean, std, callbacks):
        voxels = np.ascontiguousarray(voxels)
        core_start, core_shape = core_start or (0, 0, 0), core_shape or voxels.shape
        triple = c.c_int64 * 3
        tile = Tile(voxels.ctypes.data, {np.uint8: 0, np.uint16: 1}[voxels.dtype.type], triple(*voxels.shape),
                    triple(*core_start), triple(*core_shape), mean, std)
        out = np.empty((self.classes, *core_shape), kind)
        self.library.check(function(self.handle, c.byref(tile), out.ctypes.data,
                                    None if callbacks is None else c.byref(callbacks)))
        return out
