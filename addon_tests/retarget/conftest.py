"""A fresh scene at the takes' rate for every test, and the benchmark's measures at hand."""

from __future__ import annotations

import sys
from pathlib import Path

import bpy
import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
if str(SCRIPTS) not in sys.path:
    sys.path.insert(0, str(SCRIPTS))


@pytest.fixture(autouse=True)
def scene() -> bpy.types.Scene:
    """An empty scene of 30 frames a second."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = 30
    return bpy.context.scene
