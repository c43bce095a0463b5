"""A registry on loopback, a catalogue that names it, and an empty store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from addon_tests.store.stub_hub import StubHub, hub_with_both, serving, write_catalogue
from animepose_blender.store.access import MIRROR_VARIABLE, Access
from animepose_blender.store.catalogue import CATALOGUE_VARIABLE, Catalogue, ModelEntry, read_catalogue
from animepose_blender.store.fetch import fetch
from animepose_blender.store.folder import STORE_VARIABLE
from animepose_blender.store.record import ModelRecord

QUICK = Access(stall_s=1.0, tries=3, pause_s=0.01)


@dataclass
class Site:
    """Everything a test of the store needs."""

    hub: StubHub
    folder: Path
    store: Path
    catalogue: Catalogue

    @property
    def pose(self) -> ModelEntry:
        return self.catalogue["tiny-pose"]

    @property
    def depth(self) -> ModelEntry:
        return self.catalogue["tiny-depth"]

    def fetch(self, entry: ModelEntry | None = None, **more) -> ModelRecord:
        return fetch(entry or self.pose, access=more.pop("access", QUICK), store=self.store, **more)

    def use(self, **changes) -> None:
        """Another catalogue, see `write_catalogue`."""
        self.catalogue = read_catalogue(write_catalogue(self.folder, self.hub.address, **changes))


@pytest.fixture
def site(tmp_path, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in (MIRROR_VARIABLE, CATALOGUE_VARIABLE, STORE_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    with serving(hub_with_both()) as hub:
        folder = tmp_path / "catalogue"
        yield Site(hub, folder, tmp_path / "store", read_catalogue(write_catalogue(folder, hub.address)))
