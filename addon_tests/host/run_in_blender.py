"""Run the host's tests inside a real Blender, which brings no pytest:

    blender -b --factory-startup --python-exit-code 1 -P addon_tests/host/run_in_blender.py

Every `test_*` function of the modules below is called; `tmp_path` is the one fixture they may ask for.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import tempfile
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = (
    "test_import_take", "test_fingers", "test_cameras", "test_display", "test_reopened_in_blender",
    "test_retarget_rig", "test_retarget_probe", "test_retarget_sample", "test_retarget_write", "test_retarget_run",
    "test_retarget_targets", "test_retarget_rigify", "test_cleanup_channels", "test_cleanup_timing",
    "test_cleanup_stabilise", "test_cleanup_mirror", "test_cleanup_loop", "test_footsteps", "test_light_curves",
)  # fmt: skip


def run() -> int:
    """The number of tests that failed."""
    import bpy

    sys.path[:0] = [str(ROOT), str(Path(__file__).parent), str(ROOT / "addon_tests" / "exports")]
    passed = failed = 0
    for module_name in MODULES:
        for name, test in inspect.getmembers(importlib.import_module(module_name), inspect.isfunction):
            if not name.startswith("test_"):
                continue
            try:
                with tempfile.TemporaryDirectory() as folder:
                    test(**({"tmp_path": Path(folder)} if "tmp_path" in inspect.signature(test).parameters else {}))
                passed += 1
            except Exception:  # noqa: BLE001 every failure is reported and the next test still runs
                failed += 1
                sys.stdout.write(f"FAILED {module_name}.{name}\n{traceback.format_exc()}\n")
    sys.stdout.write(f"Blender {bpy.app.version_string}: {passed} passed, {failed} failed\n")
    sys.stdout.flush()
    return failed


if __name__ == "__main__" and run():
    raise SystemExit(1)
