"""`animepose models`: the weight store on the command line.

MediaPipe's networks belong to the worker's packages: the worker's interpreter tells of them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..console import complain, note, say
from ..errors import AnimePoseError, Cancelled, ExitCode
from ..presets import PARTS
from ..store.published import PUBLISHED
from .surroundings import Surroundings
from .values import setting
from .verbs import pass_on

if TYPE_CHECKING:
    from ..store.catalogue import Catalogue
    from ..store.listing import Row

_HEAD = ("id", "role", "size", "licence", "use", "state", "presets")


def add_models(grammar: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb's grammar."""
    models = grammar.add_parser("models", help="the networks: list, fetch, verify, import, convert, ...")
    actions = models.add_subparsers(title="actions", required=True, metavar="ACTION")
    names = "ids of `models list`, or presets, for all networks that they use"
    commercial = "only networks whose licence allows commercial use"

    def add(name: str, verb: object, does: str) -> argparse.ArgumentParser:
        parser = actions.add_parser(name, help=does)
        parser.add_argument(
            "--store", metavar="DIR", type=Path, help="folder of the networks (default: $ANIMEPOSE_MODELS, or a cache)"
        )
        parser.set_defaults(verb=verb)
        return parser

    listing = add("list", list_models, "what there is, under which licence, and what of it is here")
    listing.add_argument("--commercial-only", action="store_true", help=commercial)
    listing.add_argument("--json", action="store_true", help="as JSON, without MediaPipe's")

    fetching = add("fetch", fetch_models, "get networks; goes on where an earlier try stopped")
    fetching.add_argument("names", metavar="ID_OR_PRESET", nargs="*", help=names)
    fetching.add_argument("--commercial-only", action="store_true", help=f"fetch {commercial}; refuse others")
    fetching.add_argument(
        "--mirror", metavar="URL", default="", help="ask this instead of the registry (default: $ANIMEPOSE_MIRROR)"
    )
    fetching.add_argument("--proxy", metavar="URL", default="", help="go through this proxy (default: the system's)")

    verifying = add("verify", verify_models, "compare networks that are here, byte by byte, with what they should be")
    verifying.add_argument("names", metavar="ID_OR_PRESET", nargs="*", help=f"{names} (default: all that are here)")

    importing = add("import", import_models, "take over networks from a folder, a zip, or a file of weights")
    importing.add_argument("source", metavar="PATH", type=Path, help="of `models export`, or as the registry has it")
    importing.add_argument("--commercial-only", action="store_true", help=f"import {commercial}; refuse others")
    own = importing.add_argument_group("what it is, where it does not say so itself")
    own.add_argument("--as", dest="id", metavar="ID", default="", help="of the list; or a new name for your own")
    own.add_argument("--role", default="", help="what your own network is for: detector, masks, pose, depth, lifter …")
    own.add_argument("--licence", default="", help="its licence, such as MIT")
    own.add_argument("--non-commercial", action="store_true", help="its licence or data allow no commercial use")
    own.add_argument("--title", default="", help="what people read (default: its name)")
    own.add_argument("--skeleton", default="", help="of a pose network, such as coco_17")
    own.add_argument("--architecture", default="", help="class of the network (default: as config.json says)")
    own.add_argument(
        "--option", metavar="NAME=JSON", type=setting, action="append", default=[],
        help="what else it needs, such as dataset_index=0 or scene=indoor",
    )  # fmt: skip

    converting = add("convert", convert_models, "take over a published checkpoint of others, which you have")
    converting.add_argument("source", metavar="FILE.pth.tar", type=Path, help="only its tensors are read")
    converting.add_argument("--as", dest="id", choices=tuple(PUBLISHED), required=True, help="what it is")
    converting.add_argument("--half", action="store_true", help="in half precision, at half the size")

    exporting = add("export", export_models, "put networks that are here into a zip, for import elsewhere")
    exporting.add_argument("names", metavar="ID_OR_PRESET", nargs="+", help=names)
    exporting.add_argument("-o", "--output", metavar="FILE.zip", type=Path, required=True, help="zip to write")

    removing = add("remove", remove_models, "remove networks, and what interrupted fetches have left of them")
    removing.add_argument("names", metavar="ID_OR_PRESET", nargs="+", help=names)

    for parser in (listing, verifying):
        parser.add_argument("--mediapipe", action="store_true", help=argparse.SUPPRESS)


def list_models(arguments: argparse.Namespace, surroundings: Surroundings) -> int:
    """Say what there is."""
    if not arguments.mediapipe:
        from ..store.listing import rows

        listed = rows(_catalogue(), arguments.store, arguments.commercial_only)
        if arguments.json:
            say(json.dumps([_as_json(row) for row in listed], indent=1, ensure_ascii=False))
            return ExitCode.DONE
        say(_table(listed) + "\n")
    try:
        return _mediapipe("list", surroundings)
    except AnimePoseError as error:
        if arguments.mediapipe:
            raise
        complain(f"MediaPipe's networks: {error.message}", error.remedy)
        return ExitCode.DONE


def fetch_models(arguments: argparse.Namespace, surroundings: Surroundings) -> int:
    """Fetch networks into the store."""
    from ..store.bring_in import require_commercial
    from ..store.catalogue import entries_for
    from ..store.fetch import fetch
    from ..store.installed import network_folder
    from ..store.listing import NOT_COMMERCIAL, size_text
    from .models_progress import shown

    if not arguments.names:
        presets = ", ".join(name for name, parts in PARTS.items() if parts.networks())
        raise AnimePoseError(
            "Nothing is named that could be fetched.", f"Name a preset ({presets}) or ids of `animepose models list`.",
            ExitCode.USAGE,
        )  # fmt: skip
    entries = [entry for entry in entries_for(arguments.names, _catalogue()) if not entry.shipped]
    if not entries:
        say("Nothing to fetch: that comes with AnimePose, or with the worker's environment.")
        return ExitCode.DONE
    if arguments.commercial_only:
        require_commercial([entry.record for entry in entries])
    access = surroundings.access()
    access = replace(access, mirror=arguments.mirror or access.mirror, proxy=arguments.proxy or access.proxy)
    for number, entry in enumerate(entries, start=1):
        if not entry.record.commercial:
            note(f"{entry.id}: {entry.record.licence}, {NOT_COMMERCIAL}")
        with shown(f"{entry.id} ({number}/{len(entries)})") as on_progress:
            record = fetch(entry, on_progress, access=access, store=arguments.store)
        unpinned = "" if entry.pinned else ", not pinned by AnimePose: hashes as the registry states them"
        say(f"{record.id}: {size_text(record.size)} in {network_folder(record.id, arguments.store)}{unpinned}")
    return ExitCode.DONE


def verify_models(arguments: argparse.Namespace, surroundings: Surroundings) -> int:
    """Hash what is here."""
    if arguments.mediapipe:
        return _mediapipe("verify", surroundings)
    from ..store.installed import ids_here, shipped_networks
    from ..store.verify import Verdict, verify
    from .models_progress import shown

    catalogue = _catalogue()
    ids = _ids(arguments.names) if arguments.names else [*shipped_networks(), *ids_here(arguments.store)]
    wrong = []
    for id_ in ids:
        try:
            with shown(id_) as on_progress:
                verdict = verify(id_, catalogue, on_progress, store=arguments.store)
        except Cancelled:
            raise
        except AnimePoseError as error:
            verdict = Verdict(id_, (error.message,))
        wrong += [] if verdict.ok else [id_]
        for line in verdict.problems or ("",):
            say(f"wrong  {id_}: {line}" if line else f"ok  {id_}")
        for line in verdict.notes:
            say(f"    {line}")
    status = ExitCode.DONE if arguments.names else _mediapipe("verify", surroundings)
    if wrong:
        raise AnimePoseError(
            f"Not what they should be: {', '.join(wrong)}.", "Fetch or import them again, or remove them."
        )
    return status


def import_models(arguments: argparse.Namespace, surroundings: Surroundings) -> int:
    """Take over networks from elsewhere."""
    from ..store.bring_in import Described, bring_in
    from ..store.installed import network_folder
    from ..store.listing import COMMERCIAL, NOT_COMMERCIAL
    from .models_progress import shown

    if arguments.skeleton:
        from ..skeleton import KEYPOINT_MAPS

        if arguments.skeleton not in KEYPOINT_MAPS:
            known = ", ".join(KEYPOINT_MAPS)
            raise AnimePoseError(f"Unknown skeleton {arguments.skeleton!r}.", f"Known are {known}.", ExitCode.USAGE)
    described = Described(
        arguments.id, arguments.role, arguments.licence, not arguments.non_commercial, arguments.title,
        arguments.skeleton, arguments.architecture, dict(arguments.option),
    )  # fmt: skip
    with shown(arguments.source.name) as on_progress:
        records = bring_in(
            arguments.source, _catalogue(), described, on_progress, store=arguments.store,
            commercial_only=arguments.commercial_only,
        )  # fmt: skip
    for record in records:
        use = COMMERCIAL if record.commercial else NOT_COMMERCIAL
        say(f"{record.id}: {record.licence}, {use}, in {network_folder(record.id, arguments.store)}")
    return ExitCode.DONE


def convert_models(arguments: argparse.Namespace, surroundings: Surroundings) -> int:
    """Take over a published checkpoint, in the worker's interpreter, which has torch."""
    from ..store.folder import store_folder
    from ..store.installed import network_folder
    from ..store.listing import NOT_COMMERCIAL, size_text

    python = surroundings.worker_python()
    if python != sys.executable:
        store = arguments.store or store_folder()
        words = ["models", "convert", str(arguments.source), "--as", arguments.id, "--store", str(store)]
        return pass_on(python, [*words, *(["--half"] if arguments.half else [])])
    try:
        from ..estimate.hub.published import take_over
    except ImportError as error:
        raise AnimePoseError(
            f"Checkpoints are read with a package that is not here: {error}.",
            "Add the quality packages to the worker's environment, or install torch and safetensors.",
        ) from error
    record = take_over(arguments.source, arguments.id, half=arguments.half, store=arguments.store)
    place = network_folder(record.id, arguments.store)
    say(f"{record.id}: {size_text(record.size)}, {record.licence}, {NOT_COMMERCIAL}, in {place}")
    return ExitCode.DONE


def export_models(arguments: argparse.Namespace, surroundings: Surroundings) -> int:
    """Put networks into a zip."""
    from ..store.carry_out import carry_out
    from .models_progress import shown

    with shown(arguments.output.name) as on_progress:
        carry_out(_ids(arguments.names), arguments.output, on_progress, store=arguments.store)
    say(str(arguments.output))
    return ExitCode.DONE


def remove_models(arguments: argparse.Namespace, surroundings: Surroundings) -> int:
    """Remove networks; of a preset, those that are here."""
    from ..store.installed import Presence, look_up
    from ..store.listing import size_text
    from ..store.remove import remove

    for id_ in _ids(arguments.names):
        if id_ not in arguments.names and look_up(id_, arguments.store).presence is Presence.ABSENT:
            continue
        say(f"{id_}: {size_text(remove(id_, arguments.store))} freed")
    return ExitCode.DONE


def _catalogue() -> Catalogue:
    from ..store.catalogue import read_catalogue

    return read_catalogue()


def _ids(names: Iterable[str]) -> list[str]:
    """Ids that ids and presets name; whether there are such networks is for others to say."""
    return list(dict.fromkeys(id_ for name in names for id_ in (PARTS[name].networks() if name in PARTS else (name,))))


def _mediapipe(action: str, surroundings: Surroundings) -> int:
    python = surroundings.worker_python()
    if python != sys.executable:
        return pass_on(python, ["models", action, "--mediapipe"])
    from ..estimate.model_files import list_models, verify_models

    say("\n".join(verify_models() if action == "verify" else list_models()))
    return ExitCode.DONE


def _table(listed: list[Row]) -> str:
    lines: list[tuple[str, ...]] = [_HEAD]
    for row in listed:
        pinned = "" if row.pinned or not row.catalogued else ", not pinned"
        presets = ", ".join(row.presets)
        lines.append((row.id, row.role, row.size_text, row.licence, row.badge, row.state + pinned, presets))
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


def _as_json(row: Row) -> dict[str, Any]:
    return asdict(row) | {"presence": row.presence.value, "badge": row.badge}
