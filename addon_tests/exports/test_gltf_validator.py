"""What Khronos' own validator says of a .glb; it comes from npm, and the test is skipped where it is not.

npm install --prefix FOLDER gltf-validator@2.0.0-dev.3.10
ANIMEPOSE_GLTF_VALIDATOR=FOLDER .venv/bin/python -m pytest addon_tests/exports/test_gltf_validator.py
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import bpy
import pytest

from animepose_blender.core.synthetic import walking_take
from animepose_blender.host import exports, import_take

FOLDER = os.environ.get("ANIMEPOSE_GLTF_VALIDATOR", "")
SCRIPT = """
require("gltf-validator").validateBytes(new Uint8Array(require("fs").readFileSync(process.argv[1])))
    .then((report) => console.log(JSON.stringify(report.issues)))
"""
pytestmark = pytest.mark.skipif(
    not FOLDER or shutil.which("node") is None, reason="ANIMEPOSE_GLTF_VALIDATOR names no folder, or node is missing"
)


@pytest.mark.parametrize("engine", ["", "unity", "godot"])
@pytest.mark.parametrize("rate", [Fraction(30), Fraction(30000, 1001)])
def test_no_error_and_no_warning_but_that_meshes_hang_on_the_armature(tmp_path, engine, rate):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    imported = import_take.import_take(bpy.context, walking_take(people=2, frames=6, fps=rate), None)
    (file,) = exports.export("glb", tmp_path / "walk", imported, engine)
    done = subprocess.run(
        ["node", "-e", SCRIPT, file], cwd=Path(FOLDER), capture_output=True, text=True, check=True, timeout=60
    )
    issues = json.loads(done.stdout)
    assert issues["numErrors"] == 0
    assert {message["code"] for message in issues["messages"]} <= {"NODE_SKINNED_MESH_NON_ROOT"}
