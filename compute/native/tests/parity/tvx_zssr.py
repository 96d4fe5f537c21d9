# SPDX-License-Identifier: Apache-2.0
"""The resampling and super-resolution part of teravox.h, on top of tvx."""
import ctypes as c

import numpy as np

import tvx

REDUCTIONS = {"bicubic": 0, "gaussian": 1}


class Options(c.Structure):
    _fields_ = [("scale", c.c_double * 2), ("noise", c.c_double), ("learning_rate", c.c_double),
                ("min_learning_rate", c.c_double), ("max_iterations", c.c_int32), ("crop", c.c_int32),
                ("back_projections", c.c_int32), ("ensemble", c.c_int32), ("gradual", c.c_int32)]


class State(c.Structure):
    _fields_ = [("iterations", c.c_int64), ("learning_rate", c.c_double), ("bicubic_error", c.c_double),
                ("error", c.c_double), ("step", c.c_int32), ("steps", c.c_int32), ("fell_back", c.c_int32)]


class Reduction(c.Structure):
    _fields_ = [("kind", c.c_int32), ("kernel_shape", c.c_int32 * 2), ("kernel", c.c_void_p)]


def _pointer(array):
    return array.ctypes.data_as(c.c_void_p)


def _shape(shape):
    return (c.c_int64 * 2)(*shape)


def reduce(library, image, shape, reduction="bicubic"):
    """float32 (y, x), not clipped."""
    image, result = np.ascontiguousarray(image, np.float32), np.empty(shape, np.float32)
    how = Reduction(kind=REDUCTIONS[reduction])
    library.check(library.lib.tvx_resample_reduce(
        c.byref(how), _pointer(image), _shape(image.shape), _shape(shape), _pointer(result)))
    return result


def enlarge(library, image, shape):
    """float32 (y, x), not clipped."""
    image, result = np.ascontiguousarray(image, np.float32), np.empty(shape, np.float32)
    library.check(library.lib.tvx_resample_enlarge(
        _pointer(image), _shape(image.shape), _shape(shape), _pointer(result)))
    return result


def options(library, scale=None, **fields):
    """The defaults with these fields; scale: one number, or (y, x)."""
    result = Options()
    library.lib.tvx_zssr_defaults(c.byref(result))
    if scale is not None:
        result.scale[:] = (scale, scale) if np.isscalar(scale) else scale
    for name, value in fields.items():
        setattr(result, name, value)
    return result


class Zssr:
    def __init__(self, library, o, reduction="bicubic", threads=2, device="cpu"):
        self.library, self.handle = library, c.c_void_p()
        how = Reduction(kind=REDUCTIONS[reduction])
        library.check(library.lib.tvx_zssr_create(
            c.byref(o), c.byref(how), device.encode(), c.c_int32(threads), c.byref(self.handle)))

    def __del__(self):
        self.library.lib.tvx_zssr_free(self.handle)

    @property
    def state(self):
        state = State()
        self.library.check(self.library.lib.tvx_zssr_get_state(self.handle, c.byref(state)))
        return state

    def run(self, image, shape=None, seed=0, warm=False, progress=None):
        """The enlarged image, of the image's type; progress(state) is called after every iteration."""
        image, enlarged = np.ascontiguousarray(image), _shape(shape or (0, 0))
        lib = self.library.lib
        if shape is None:
            self.library.check(lib.tvx_zssr_shape(self.handle, _shape(image.shape), enlarged))
        result = np.empty(tuple(enlarged), image.dtype)
        callbacks = tvx.Callbacks(tvx.ABORT(0), tvx.PROGRESS(lambda _, __: progress(self.state)) if progress else
                                  tvx.PROGRESS(0), None)
        self.library.check(lib.tvx_zssr_run(
            self.handle, _pointer(image), c.c_int32({"uint8": 0, "uint16": 1}[image.dtype.name]), _shape(image.shape),
            enlarged, c.c_uint64(seed), c.c_int32(warm), _pointer(result), c.byref(callbacks)))
        return result
