"""The same scene gives the same bytes, also in another process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import bpy
import pytest

from animepose_blender.core.synthetic import walking_take
from animepose_blender.host import exports, import_take
from animepose_blender.host.exports import fbx_records

ROOT = Path(__file__).resolve().parents[2]
MAKE = """
import sys
from pathlib import Path
import bpy
from animepose_blender.core.synthetic import walking_take
from animepose_blender.host import exports, import_take
imported = import_take.import_take(bpy.context, walking_take(people=2, frames=6, gaps=False), None)
for file_format in ("fbx", "glb", "bvh"):
    exports.export(file_format, Path(sys.argv[1]) / "walk", imported, "unity")
"""


def hashes(folder: Path) -> dict[str, str]:
    return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in folder.iterdir()}


def test_two_exports_are_the_same_bytes(tmp_path):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    imported = import_take.import_take(bpy.context, walking_take(people=1, frames=6), None)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        for file_format in ("fbx", "glb", "bvh", "usd"):
            exports.export(file_format, tmp_path / name / "walk", imported, "unreal")
    assert hashes(tmp_path / "first") == hashes(tmp_path / "second")


@pytest.mark.slow
def test_another_process_makes_the_same_bytes(tmp_path):
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run(
            [sys.executable, "-c", MAKE, str(folder)], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL
        )
    assert hashes(tmp_path / "1") == hashes(tmp_path / "2")


def test_records_of_fbx_are_written_as_they_were_read(tmp_path):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    imported = import_take.import_take(bpy.context, walking_take(people=1, frames=2), None)
    (file,) = exports.export("fbx", tmp_path / "walk", imported)
    data = Path(file).read_bytes()
    assert fbx_records.encode(*fbx_records.parse(data)) == data


def test_what_is_no_fbx_is_told(tmp_path):
    with pytest.raises(ValueError, match="no binary FBX"):
        fbx_records.parse(b"; FBX 7.4.0 project file")
