"""The repository as an extension: its manifest, and its build and installation by a real Blender."""

from __future__ import annotations

import os
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

import animepose_blender

tomllib = pytest.importorskip("tomllib")

ROOT = Path(animepose_blender.__file__).resolve().parents[1]
KNOWN_TAGS = {
    "3D View", "Add Curve", "Add Mesh", "Animation", "Bake", "Camera", "Compositing", "Development", "Game Engine",
    "Geometry Nodes", "Grease Pencil", "Import-Export", "Lighting", "Material", "Mesh", "Modeling", "Node",
    "Object", "Paint", "Physics", "Pipeline", "Render", "Rigging", "Scene", "Sculpt", "Sequencer", "System",
    "Text Editor", "Tracking", "User Interface", "UV",
}  # fmt: skip
"""The tags that the extensions platform knows for add-ons."""


@pytest.fixture
def manifest() -> dict:
    return tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))


def test_the_manifest_follows_the_platforms_rules(manifest):
    assert (manifest["id"], manifest["name"], manifest["type"]) == ("animepose", "AnimePose", "add-on")
    assert manifest["blender_version_min"] == "4.2.0" and manifest["license"] == ["SPDX:GPL-3.0-or-later"]
    assert len(manifest["tagline"]) <= 64 and manifest["tagline"][-1].isalnum()
    assert set(manifest["tags"]) <= KNOWN_TAGS
    for reason in manifest["permissions"].values():
        assert len(reason) <= 64 and reason[-1].isalnum()


def test_manifest_and_package_have_one_version(manifest):
    assert manifest["version"] == animepose_blender.__version__


@pytest.mark.real_blender
def test_a_real_blender_builds_installs_and_runs_it(tmp_path):
    blender = os.environ.get("ANIMEPOSE_BLENDER")
    if not blender:
        pytest.skip("ANIMEPOSE_BLENDER names no Blender")
    environment = os.environ | {"BLENDER_USER_RESOURCES": str(tmp_path / "user")}

    def run(*words: str) -> str:
        done = subprocess.run([blender, *words], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("--command", "extension", "validate", str(ROOT))
    run("--command", "extension", "build", "--source-dir", str(ROOT), "--output-dir", str(tmp_path))
    archive = next(tmp_path.glob("animepose-*.zip"))
    names = zipfile.ZipFile(archive).namelist()
    needed = {"LICENSE", "__init__.py", "animepose_blender/host/worker_requirements.lock", "models/models.toml"}
    assert needed <= set(names)
    models = r"models/(?!weights/|cards/|models\.toml|\w+\.py$)"
    unwanted = re.compile(rf"^(addon_tests|docs|scripts|{models}|shared|out|\.)|__pycache__|\.pyc$")
    assert not [name for name in names if unwanted.search(name)]
    run("--command", "extension", "install-file", "--repo", "user_default", "--enable", str(archive))
    assert "exit codes" in run("-b", "--command", "animepose", "--help")
