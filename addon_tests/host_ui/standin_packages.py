"""Packages of the worker's environment that need no fetching."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from animepose_blender.host import environment, environment_check
from animepose_blender.host.environment_packages import BASIC, Packages
from animepose_blender.host.setup_commands import run_command


def quiet(line: str, fraction: float) -> None:
    """A report that nobody reads."""


def use(monkeypatch: pytest.MonkeyPatch, **sets: Packages) -> None:
    """Other sets of packages, everywhere."""
    for module in (environment, environment_check):
        for name, packages in sets.items():
            monkeypatch.setattr(module, name, packages)


def borrow_packages(monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[str]:
    """Instead of fetching packages, let the new environment see those of this one; the second set is a module of one
    line. Gives the names of the sets that were installed."""
    lock = folder / "quality.lock"
    lock.write_text("tiny_torch==2")
    basic = replace(BASIC, modules=("numpy",), needed_bytes=1)
    quality = Packages(lock, ("tiny_torch:Tensor",), 1, (3, 11))
    installed: list[str] = []

    def install(packages: Packages, made: Path, log_path: Path, report, cancelled, span) -> None:
        site = next(made.glob("lib/python*/site-packages"))
        here = Path(sys.prefix) / site.relative_to(made)
        if packages is basic:
            (site / "borrowed.pth").write_text(f"{here}\n")
        else:
            (site / "tiny_torch.py").write_text("__version__, Tensor = '2', object\n")
        installed.append("basic" if packages is basic else "quality")
        report("Installing", span[1])

    def run_faster(command: list[str], *rest, **options) -> None:
        run_command([*command, "--without-pip"] if "venv" in command else command, *rest, **options)

    monkeypatch.setattr(environment, "install", install)
    monkeypatch.setattr(environment, "run_command", run_faster)
    use(monkeypatch, BASIC=basic, QUALITY=quality)
    return installed


def pins(path: Path) -> set[str]:
    """Package and version of each line of a file of requirements."""
    lines = [line.split("#")[0].split(" ")[0].strip() for line in path.read_text().splitlines()]
    return {line for line in lines if "==" in line}
