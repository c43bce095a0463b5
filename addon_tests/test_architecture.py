"""Which part may import which, so that Blender never needs torch and the worker never needs Blender."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "animepose_blender"
ESTIMATORS = ("torch", "cv2", "scipy", "mediapipe", "av")

CHECK = """
import importlib, sys

class Blocked:
    def __init__(self, names):
        self.names = names
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.names:
            raise ImportError(f"{name} may not be imported here")

blocked, modules = sys.argv[1].split(","), sys.argv[2].split(",")
sys.meta_path.insert(0, Blocked(blocked))
for name in modules:
    importlib.import_module(name)
loaded = [name for name in blocked if name in sys.modules]
assert not loaded, f"loaded: {loaded}"
"""


def modules_in(*folders):
    """Dotted names of every module in folders of the package; "" is the package's own level."""
    names = []
    for folder in folders:
        files = (PACKAGE / folder).rglob("*.py") if folder else PACKAGE.glob("*.py")
        for file in sorted(files):
            parts = file.relative_to(ROOT).with_suffix("").parts
            if parts[-1] == "__main__":
                continue
            names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


def sources(*folders):
    """(path, syntax tree) of every module in folders of the package; none = the whole package."""
    roots = [PACKAGE / folder for folder in folders] or [PACKAGE]
    return [
        (file.relative_to(ROOT), ast.parse(file.read_text(encoding="utf-8")))
        for root in roots
        for file in sorted(root.rglob("*.py"))
    ]


def imported(path, tree):
    """Every module that a file imports anywhere, relative ones resolved, each with and without the imported name."""
    package = list(path.with_suffix("").parts[:-1])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield node.lineno, module
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def assert_imports_without(blocked, modules):
    result = subprocess.run(
        [sys.executable, "-c", CHECK, ",".join(blocked), ",".join(modules)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]


def offenders(folders, is_forbidden):
    return [
        f"{path}:{line} imports {name}"
        for path, tree in sources(*folders)
        for line, name in imported(path, tree)
        if is_forbidden(name)
    ]


def test_the_checks_see_through_relative_and_late_imports():
    tree = ast.parse("def late():\n    from ..estimate import video\n    from . import compat\n    import torch.nn")
    names = {name for _, name in imported(Path("animepose_blender/host/panels.py"), tree)}
    assert names >= {"animepose_blender.estimate.video", "animepose_blender.host.compat", "torch.nn"}
    with pytest.raises(AssertionError, match="json may not be imported"):
        assert_imports_without(["json"], ["animepose_blender.take"])


def test_the_package_and_its_core_import_without_blender_and_without_the_estimators():
    own_level = [name for name in modules_in("") if not name.endswith(".cli")]
    assert_imports_without(["bpy", *ESTIMATORS], [*own_level, *modules_in("core")])


def test_the_host_imports_without_the_estimators():
    if importlib.util.find_spec("bpy") is None:
        pytest.skip("Blender is not installed as a package here")
    assert_imports_without(ESTIMATORS, ["bpy", *modules_in("host", "rigs")])


def test_the_worker_imports_without_blender():
    assert_imports_without(["bpy", "bpy_extras", "mathutils", "bmesh"], modules_in("estimate"))


def test_estimate_and_host_never_import_each_other():
    assert offenders(["estimate"], lambda name: name.startswith("animepose_blender.host")) == []
    assert offenders(["host", "rigs"], lambda name: name.startswith("animepose_blender.estimate")) == []


def test_core_stands_on_itself_and_the_contracts_alone():
    allowed = ("core", "skeleton", "take", "errors")

    def is_forbidden(name):
        parts = name.split(".")
        return parts[0] == "animepose_blender" and len(parts) > 1 and parts[1] not in allowed

    assert offenders(["core"], is_forbidden) == []


def test_the_store_and_the_presets_stand_on_the_standard_library_alone():
    # Both processes use them, the worker with an older Python, Blender without any package.
    own = ("store", "errors", "presets", "protocol", "file_lock")

    def is_forbidden(name):
        first, _, rest = name.partition(".")
        if first == "animepose_blender":
            return bool(rest) and rest.partition(".")[0] not in own
        return first not in sys.stdlib_module_names

    assert offenders(["store"], is_forbidden) == []
    presets = Path("animepose_blender/presets.py")
    tree = ast.parse((ROOT / presets).read_text(encoding="utf-8"))
    assert [name for _, name in imported(presets, tree) if is_forbidden(name)] == []


def test_blender_is_imported_in_the_host_only_and_estimators_in_the_worker_only():
    blender = ("bpy", "bpy_extras", "mathutils", "bmesh", "blf", "gpu", "aud")
    assert offenders(["core", "estimate", "rigs"], lambda name: name.split(".")[0] in blender) == []
    assert offenders(["core", "host", "rigs"], lambda name: name.split(".")[0] in ESTIMATORS) == []


def test_inside_the_package_imports_are_relative():
    # Installed as an extension the package is called bl_ext.user_default.animepose.animepose_blender.
    absolute = [
        f"{path}:{node.lineno}"
        for path, tree in sources()
        for node in ast.walk(tree)
        if (isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").startswith("animepose_blender"))
        or (isinstance(node, ast.Import) and any(alias.name.startswith("animepose_blender") for alias in node.names))
    ]
    assert absolute == []


def test_nothing_is_unpickled():
    unsafe = [
        f"{path}:{node.lineno}"
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword)
        and node.arg == "allow_pickle"
        and getattr(node.value, "value", None) is not False
    ]
    assert unsafe == []
    assert offenders([], lambda name: name.split(".")[0] in ("pickle", "dill", "joblib", "shelve", "marshal")) == []


def test_no_module_grows_beyond_400_lines():
    long = [
        f"{file.relative_to(ROOT)}: {lines}"
        for file in sorted(PACKAGE.rglob("*.py"))
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > 400
    ]
    assert long == []
