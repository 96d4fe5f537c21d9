# SPDX-License-Identifier: Apache-2.0
"""Runs a test file's test_* functions. Without torch it skips (77), except in CI, where a test that cannot run fails."""
import os
import sys
import time
import traceback

try:
    import numpy  # noqa: F401
    import torch  # noqa: F401
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)


def main(scope):
    failed = 0
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    for name, test in list(scope.items()):
        if not name.startswith("test_") or wanted not in name:
            continue
        start = time.monotonic()
        try:
            test()
            print(f"ok   {name} ({time.monotonic() - start:.1f} s)", flush=True)
        except Exception:  # noqa: BLE001 - a failed test must not hide the others
            traceback.print_exc()
            print(f"FAIL {name}", flush=True)
            failed += 1
    sys.exit(1 if failed else 0)
