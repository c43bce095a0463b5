"""The same promises inside an installed Blender: `ANIMEPOSE_BLENDER` is the command that starts it."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("run_in_blender.py")


@pytest.mark.real_blender
def test_every_import_test_passes_inside_it():
    blender = os.environ.get("ANIMEPOSE_BLENDER")
    if not blender:
        pytest.skip("ANIMEPOSE_BLENDER is not set")
    command = [*shlex.split(blender), "-b", "--factory-startup", "--python-exit-code", "1", "-P", str(SCRIPT)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    said = finished.stdout[-4000:] + finished.stderr[-2000:]
    assert finished.returncode == 0 and " 0 failed" in finished.stdout, said
