"""What is installed for work and tests is what a user's worker gets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from animepose_blender import __version__

tomllib = pytest.importorskip("tomllib")

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def normal(requirement):
    """A requirement without spaces, comments and the kind of quotes."""
    return re.sub(r"\s+", "", requirement.split("#")[0]).replace("'", '"')


def test_the_worker_of_the_extension_has_the_versions_of_the_project():
    text = (ROOT / "animepose_blender" / "host" / "worker_requirements.txt").read_text(encoding="utf-8")
    shipped = {normal(line) for line in text.splitlines() if normal(line)}
    groups = PROJECT["dependency-groups"]
    wanted = {normal(line) for line in groups["worker"] + groups["mediapipe"] if not line.startswith("torch")}
    assert wanted - shipped == set()


def test_the_packages_for_networks_have_the_versions_of_the_project():
    text = (ROOT / "animepose_blender" / "host" / "worker_requirements_quality.txt").read_text(encoding="utf-8")
    shipped = {normal(line) for line in text.splitlines() if normal(line)}
    groups = PROJECT["dependency-groups"]
    wanted = {normal(line).partition(";")[0] for line in groups["quality"]}
    wanted |= {normal(line) for line in groups["worker"] if line.startswith("torch")}
    assert len(wanted) > 1
    assert wanted - shipped == set()


def test_every_requirement_is_pinned():
    for group in PROJECT["dependency-groups"].values():
        assert all("==" in requirement for requirement in group)


def test_the_version_is_the_same_everywhere():
    assert PROJECT["project"]["version"] == __version__
    manifest = ROOT / "blender_manifest.toml"
    if not manifest.is_file():
        pytest.skip("there is no manifest yet")
    assert tomllib.loads(manifest.read_text(encoding="utf-8"))["version"] == __version__
