# SPDX-License-Identifier: Apache-2.0
"""Unpacks NAME.blosc of a folder with numcodecs into NAME.read."""
import glob
import sys

from numcodecs import Blosc

for path in glob.glob(f"{sys.argv[1]}/*.blosc"):
    packed = open(path, "rb").read()
    open(path[:-5] + "read", "wb").write(bytes(Blosc().decode(packed)))
