"""Pinning the catalogue: what the registry says goes into the file, and nothing else changes."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import tomllib

ROOT = Path(__file__).resolve().parent.parent
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONFIG = b'{"model_type": "tiny"}'
WEIGHTS = hashlib.sha256(b"weights").hexdigest()

CATALOGUE = """# A comment at the top.
schema = 1

[registry.hub] # hosts are data
endpoint = "http://127.0.0.1:{port}"
file = "{{endpoint}}/{{repository}}/resolve/{{revision}}/{{path}}"
page = "{{endpoint}}/{{repository}}"
api = "{{endpoint}}/api/models/{{repository}}/revision/{{revision}}?blobs=true"

[[model]]
id = "tiny"   # stays
title = "Tiny"
role = "pose"
registry = "hub"
repository = "someone/tiny"
revision = "main" # not pinned
licence = "Apache-2.0"
files = [
    {{ path = "config.json", size = 0, sha256 = "" }}, # small
    {{ path = "model.safetensors", size = 0, sha256 = "" }},
    {{ path = "extra.json", size = 0, sha256 = "", optional = true }},
]

[[model]]
id = "other"
title = "Other, with the same file names"
registry = "hub"
repository = "someone/other"
revision = "main"
licence = "Apache-2.0"
files = [ {{ path = "config.json", size = 0, sha256 = "" }} ]

[[model]]
id = "shipped"
shipped = "weights/x.safetensors"
files = [ {{ path = "x.safetensors", size = 3, sha256 = "" }} ]
"""


def load():
    spec = importlib.util.spec_from_file_location("animepose_scripts_pin_models", ROOT / "scripts" / "pin_models.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def registry():
    """A registry on loopback: `answers` says what each address answers, `asked` what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            body = answers.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *arguments):
            pass

    answers: dict[str, bytes] = {}
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.server_address[1], answers, asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def pin(registry, monkeypatch, tmp_path):
    """Call it with the script's arguments; the catalogue is `tmp_path/models.toml`."""
    port, answers, _ = registry
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    path = tmp_path / "models.toml"
    path.write_text(CATALOGUE.format(port=port))
    describe(answers, "tiny")
    describe(answers, "other", files=("config.json",))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["pin_models", "--catalogue", str(path), *arguments])
        return load().main()

    return run


def describe(answers, name, files=("config.json", "model.safetensors"), revision="main", commit=COMMIT, **more):
    siblings = []
    for file in files:
        large = file.endswith(".safetensors")
        siblings.append({"rfilename": file, "size": 7 if large else len(CONFIG)})
        if large:
            siblings[-1]["lfs"] = {"sha256": WEIGHTS, "size": 7, "pointerSize": 130}
        else:
            answers[f"/someone/{name}/resolve/{commit}/{file}"] = CONFIG
    told = {"sha": commit, "siblings": siblings, "cardData": {"license": "apache-2.0"}} | more
    answers[f"/api/models/someone/{name}/revision/{revision}?blobs=true"] = json.dumps(told).encode()


def test_commits_sizes_and_hashes_are_put_in_and_all_else_stays(pin, tmp_path, registry):
    before = (tmp_path / "models.toml").read_text()
    assert pin() == 0
    after = (tmp_path / "models.toml").read_text()
    config = hashlib.sha256(CONFIG).hexdigest()
    wanted = before.replace('"main"', f'"{COMMIT}"')
    wanted = wanted.replace('"config.json", size = 0, sha256 = ""', f'"config.json", size = 22, sha256 = "{config}"')
    wanted = wanted.replace('safetensors", size = 0, sha256 = ""', f'safetensors", size = 7, sha256 = "{WEIGHTS}"')
    assert after == wanted
    assert not list(tmp_path.glob("*.new"))


def test_large_files_are_never_fetched(pin, registry):
    pin()
    assert not [address for address in registry[2] if "safetensors" in address]


def test_only_the_networks_named_are_asked_for(pin, tmp_path, registry):
    assert pin("other") == 0
    models = tomllib.loads((tmp_path / "models.toml").read_text())["model"]
    assert [model.get("revision") for model in models] == ["main", COMMIT, None]
    assert not [address for address in registry[2] if "tiny" in address]


def test_a_check_writes_nothing_and_tells_what_differs(pin, tmp_path, capsys):
    before = (tmp_path / "models.toml").read_text()
    assert pin("--check") == 1
    assert (tmp_path / "models.toml").read_text() == before
    assert f"revision: main here, {COMMIT} there" in capsys.readouterr().out
    pin()
    describe_again = pin("--check", "other")  # at the commit that stands there now, which the registry does not know
    assert describe_again == 1


def test_a_pinned_catalogue_passes_the_check_at_its_own_revisions(pin, registry, capsys):
    pin()
    describe(registry[1], "tiny", revision=COMMIT)
    describe(registry[1], "other", files=("config.json",), revision=COMMIT)
    assert pin("--check") == 0
    assert "tiny: as the registry says" in capsys.readouterr().out


def test_a_pin_is_kept_until_the_latest_is_asked_for(pin, tmp_path, registry):
    pin()
    newer = "f" * 40
    describe(registry[1], "other", files=("config.json",), commit=newer)
    describe(registry[1], "other", files=("config.json",), revision=COMMIT)
    pin("other")
    assert newer not in (tmp_path / "models.toml").read_text()
    pin("--latest", "other")
    assert newer in (tmp_path / "models.toml").read_text()


def test_what_people_must_know_is_told(pin, registry, capsys):
    describe(registry[1], "tiny", files=("config.json",), gated="manual", cardData={"license": "cc-by-nc-4.0"})
    describe(registry[1], "other", files=("config.json",), cardData={})
    pin()
    output = capsys.readouterr().out
    assert "model.safetensors is not in the repository" in output
    assert "extra.json" not in output
    assert "access must be asked for" in output
    assert "says cc-by-nc-4.0, the catalogue Apache-2.0" in output
    assert "states no licence" in output


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "404"),
        (b"<html>", "another form"),
        (b"[]", "another form"),
        (b'{"sha": "x", "siblings": []}', "no commit"),
    ],
)
def test_an_answer_that_says_nothing_is_told_and_the_rest_is_still_pinned(
    pin, tmp_path, registry, capsys, answer, message
):
    registry[1]["/api/models/someone/tiny/revision/main?blobs=true"] = answer
    assert pin() == 1
    assert message in capsys.readouterr().err
    models = tomllib.loads((tmp_path / "models.toml").read_text())["model"]
    assert [model.get("revision") for model in models] == ["main", COMMIT, None]


def test_a_large_file_without_a_hash_is_refused(pin, registry, capsys):
    siblings = [{"rfilename": "config.json", "size": 1 << 30}]
    told = {"sha": COMMIT, "siblings": siblings}
    registry[1]["/api/models/someone/other/revision/main?blobs=true"] = json.dumps(told).encode()
    assert pin("other") == 1
    assert "no hash is stated" in capsys.readouterr().err


def test_a_layout_that_cannot_be_edited_is_refused():
    module = load()
    text = '[[model]]\nid = "a"\nrevision = "main"\nfiles = [ {size = 0, path = "x", sha256 = ""} ]\n'
    with pytest.raises(ValueError, match="layout"):
        module.rewritten(text, {("a", "x", "size"): 5})


def test_every_pin_has_its_place_in_our_own_catalogue():
    module = load()
    text = (ROOT / "models" / "models.toml").read_text()
    models = [model for model in tomllib.loads(text)["model"] if "registry" in model]
    pins: dict[tuple[str, ...], str | int] = {(model["id"], "revision"): COMMIT for model in models}
    for model in models:
        for file in model["files"]:
            pins |= {(model["id"], file["path"], "size"): 5, (model["id"], file["path"], "sha256"): WEIGHTS}
    changed = tomllib.loads(module.rewritten(text, pins))["model"]
    assert {file["sha256"] for model in changed if "registry" in model for file in model["files"]} == {WEIGHTS}
