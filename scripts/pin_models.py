"""Pin the networks of `models/models.toml`: ask the registry for commits, sizes and hashes, and write them in.

    scripts/pin_models.py                    fill in what is empty, at the revisions that are named there
    scripts/pin_models.py --latest [ID ...]  move to what the registry's main branch is today
    scripts/pin_models.py --check            compare without writing; ends with 1 where anything differs

For maintainers with a network; users need none of this. Only `revision`, `size` and `sha256` are rewritten, as text,
so that comments, order and layout stay. The registry's hosts are those of the file itself; `api` is the template of
the address that describes a revision. Where the registry states no hash of a file, as for small ones outside its
large-file storage, the file is fetched and hashed. Proxies are taken from the environment.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tomllib

CATALOGUE = Path(__file__).resolve().parent.parent / "models" / "models.toml"
MAIN = "main"
"""The revision that an entry names as long as nobody has pinned it."""
LARGEST_HASHED_HERE = 1 << 20
"""Bytes; a file that the registry states no hash of and that is larger is not fetched."""
TIMEOUT_S = 30.0
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")

Pins = dict[tuple[str, ...], str | int]
"""(id, "revision") or (id, path, "size" or "sha256") → what belongs there."""


class RegistryError(Exception):
    """The registry did not say what was asked, in words for people."""


def pins_of(model: Mapping[str, Any], registry: Mapping[str, str], *, latest: bool = False) -> tuple[Pins, list[str]]:
    """What the registry says of a network.

    Args:
        model: its table in the catalogue.
        registry: `endpoint` and the templates `api` and `file`.
        latest: at the main branch, whatever revision the table names.
    Returns:
        The pins, and remarks: files that are not there, access that must be asked for, another licence.
    Raises:
        RegistryError: if it cannot be reached, or says something else than expected.
    """
    names = {"endpoint": registry["endpoint"], "repository": model["repository"]}
    asked = MAIN if latest else model["revision"]
    address = _filled(registry["api"], names | {"revision": asked})
    try:
        told = json.loads(_fetched(address))
        commit = told["sha"]
        there = {one["rfilename"]: one for one in told["siblings"]}
    except (ValueError, KeyError, TypeError) as error:
        raise RegistryError(f"{address} answers in another form than expected ({error!r})") from error
    if not _COMMIT.fullmatch(str(commit)):
        raise RegistryError(f"{address} names no commit but {commit!r}")
    id_ = model["id"]
    pins: Pins = {(id_, "revision"): commit}
    remarks = list(_remarks(model, told))
    for file in model["files"]:
        path = file["path"]
        if path not in there:
            if not file.get("optional"):
                remarks.append(f"{path} is not in the repository")
            continue
        size, sha256 = _described(there[path], _filled(registry["file"], names | {"revision": commit, "path": path}))
        pins[id_, path, "size"], pins[id_, path, "sha256"] = size, sha256
    return pins, remarks


def _described(sibling: Mapping[str, Any], address: str) -> tuple[int, str]:
    """Bytes and hash of a file, as the registry states them or else as it is."""
    lfs = sibling.get("lfs") or {}
    size, sha256 = lfs.get("size", sibling.get("size")), lfs.get("sha256", "")
    if not sha256:
        if isinstance(size, int) and size > LARGEST_HASHED_HERE:
            raise RegistryError(f"no hash is stated of {address}, which has {size} bytes")
        data = _fetched(address)
        size, sha256 = len(data), hashlib.sha256(data).hexdigest()
    if not isinstance(size, int) or not _SHA256.fullmatch(sha256):
        raise RegistryError(f"{address} has size {size!r} and sha256 {sha256!r}")
    return size, sha256


def _remarks(model: Mapping[str, Any], told: Mapping[str, Any]) -> Iterator[str]:
    if told.get("gated"):
        yield "access must be asked for at the registry"
    licence = (told.get("cardData") or {}).get("license")
    if not licence:
        yield f"the registry's page states no licence; the catalogue says {model['licence']}"
    elif str(licence).lower() != model["licence"].lower():
        yield f"the registry's page says {licence}, the catalogue {model['licence']}"


def _filled(template: str, names: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: names[match[1]], template)


def _fetched(address: str) -> bytes:
    request = urllib.request.Request(address, headers={"User-Agent": "animepose-pin-models"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        raise RegistryError(f"{address} answers {error.code} {error.reason}") from error
    except OSError as error:
        raise RegistryError(f"{address} cannot be reached: {getattr(error, 'reason', error)}") from error


def rewritten(text: str, pins: Pins) -> str:
    """A catalogue's text with pins put in; nothing else changes.

    Raises:
        ValueError: if a pin has no place in it, or putting it in would change something else.
    """
    lines = text.splitlines(keepends=True)
    id_, left = "", dict(pins)

    def with_pins(file: re.Match[str]) -> str:
        table = file[0]
        for key, form in (("size", r"\d[\d_]*"), ("sha256", r'"[^"]*"')):
            if (id_, file[1], key) in left:
                value = json.dumps(left.pop((id_, file[1], key)))
                table = re.sub(rf"\b({key}\s*=\s*){form}", rf"\g<1>{value}", table, count=1)
        return table

    for number, line in enumerate(lines):
        if line.startswith("["):
            id_ = ""
        if named := re.match(r'id\s*=\s*"([^"]*)"', line):
            id_ = named[1]
        if re.match(r"revision\s*=", line) and (id_, "revision") in left:
            line = re.sub(r'"[^"]*"', f'"{left.pop((id_, "revision"))}"', line, count=1)
        lines[number] = re.sub(r'\{\s*path\s*=\s*"([^"]*)"[^{}]*\}', with_pins, line)
    result = "".join(lines)
    if left or _put_in(tomllib.loads(text), pins) != tomllib.loads(result):
        raise ValueError(f"the layout is not as expected; not put in: {sorted(map(str, left)) or 'something else'}")
    return result


def _put_in(data: dict[str, Any], pins: Pins) -> dict[str, Any]:
    for model in data.get("model", []):
        if (value := pins.get((model["id"], "revision"))) is not None:
            model["revision"] = value
        for file in model["files"]:
            for key in ("size", "sha256"):
                if (value := pins.get((model["id"], file["path"], key))) is not None:
                    file[key] = value
    return data


def differences(model: Mapping[str, Any], pins: Pins) -> list[str]:
    """In words, where a network's table says something else than the registry, or nothing yet."""
    id_ = model["id"]
    stated: dict[tuple[str, ...], str | int] = {(id_, "revision"): model["revision"]}
    for file in model["files"]:
        stated[id_, file["path"], "size"] = file.get("size", 0)
        stated[id_, file["path"], "sha256"] = file.get("sha256", "")
    return [
        f"{' '.join(key[1:])}: {stated[key] or 'nothing'} here, {value} there"
        for key, value in pins.items()
        if stated[key] != value
    ]


def main() -> int:
    """Run it; 0 = all is as the registry says, 1 = something differs or could not be asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ids", nargs="*", metavar="ID", help="only these networks (default: all)")
    parser.add_argument("--check", action="store_true", help="compare without writing")
    parser.add_argument(
        "--latest", action="store_true", help="at the registry's main branch, not at the revision named"
    )
    parser.add_argument("--catalogue", type=Path, default=CATALOGUE, help="default: models/models.toml")
    arguments = parser.parse_args()
    text = arguments.catalogue.read_text(encoding="utf-8")
    catalogue = tomllib.loads(text)
    models = {model["id"]: model for model in catalogue["model"] if "registry" in model}
    if unknown := set(arguments.ids) - set(models):
        parser.error(f"there is no network to fetch that is called {', '.join(sorted(unknown))}")
    pins: Pins = {}
    failed = differing = False
    for id_ in arguments.ids or models:
        model = models[id_]
        try:
            found, remarks = pins_of(model, catalogue["registry"][model["registry"]], latest=arguments.latest)
        except RegistryError as error:
            failed = True
            print(f"{id_}: {error}", file=sys.stderr)
            continue
        changes = differences(model, found)
        differing |= bool(changes)
        pins |= found
        print(f"{id_}: {len(changes)} to put in" if changes else f"{id_}: as the registry says")
        for line in (*changes, *remarks):
            print(f"    {line}")
    if not arguments.check and differing:
        temporary = arguments.catalogue.with_name(arguments.catalogue.name + ".new")
        try:
            temporary.write_text(rewritten(text, pins), encoding="utf-8")
        except ValueError as error:
            print(f"{arguments.catalogue} is left as it was: {error}.", file=sys.stderr)
            return 1
        os.replace(temporary, arguments.catalogue)
        print(f"{arguments.catalogue} is written.")
    return int(failed or (arguments.check and differing))


if __name__ == "__main__":
    sys.exit(main())
