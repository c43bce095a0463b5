"""Networks of `transformers` from folders of the weight store: nothing is fetched, nothing is unpickled.

The files are read here, and `transformers` is given the configuration and the tensors, never the folder: so nothing
that a file says can make it look for further files, programs or repositories.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ...errors import AnimePoseError
from ...store.record import ModelRecord, read_record
from .device import Device, prepared
from .faults import exhausted, has_stopped, is_out_of_memory, stopped
from .weights import REMEDY, read_json, read_weights, some, weight_files

CONFIG = "config.json"
PROCESSORS = ("preprocessor_config.json", "processor_config.json")
IGNORED_SETTINGS = (
    "_name_or_path", "auto_map", "transformers_weights", "fusion_config", "dtype", "torch_dtype",
    "attn_implementation", "_attn_implementation", "_commit_hash", "use_pretrained_backbone",
)  # fmt: skip
"""Of config.json: what would name other files or programs, or what is settled here."""
COUNTERS = ("num_batches_tracked",)
"""Endings of tensors that only training reads."""
UNEXPECTED_SHARE = 0.05
"""Of the tensors in the file. Nothing is missing, and a few that nobody uses do no harm; more than so many are those
of a larger network, such as a twelfth of its layers that the configuration does not know of."""
EXACT_ROLES = ("detector", "pose")
"""Of networks that give coordinates. Where the device computes in bfloat16, these run in float16, which has 11 bits for
a number instead of 8: with 8, the right rim of 1280 pixels is known to steps of 5. Measured with ViTPose++ base and
random weights: heatmaps err by 1.2 % of their spread in bfloat16, by 0.2 % in float16, and by 0.5 % if weights in
bfloat16 are turned into float16 afterwards; so they are read as such."""
_OTHER = "Choose another model, or use the preset offline."
_PROBLEMS = (
    RuntimeError, ValueError, OSError, LookupError, TypeError, AttributeError, ImportError, AssertionError,
)  # fmt: skip
"""What `transformers` raises at configurations and weights that do not go together."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """A network that is ready to run."""

    network: torch.nn.Module
    """On the device, in its precision, without gradients, in evaluation mode."""
    processor: dict[str, Any]
    """preprocessor_config.json, or processor_config.json, as it is; empty if there is none."""
    record: ModelRecord
    device: Device
    """It is on, in the precision that it has."""


class HubClasses(Mapping[str, type]):
    """Classes of `transformers` by name; each is imported when it is asked for, since that takes a while.

    Args:
        names: of the classes that will do.
    """

    def __init__(self, *names: str) -> None:
        self._names = names

    def __getitem__(self, name: str) -> type:
        if name not in self._names:
            raise KeyError(name)
        import transformers

        try:
            return getattr(transformers, name)
        except (AttributeError, ImportError) as error:
            raise AnimePoseError(
                f"This environment's transformers {transformers.__version__} cannot run {name}: {error}.",
                "Add the packages of the preset quality in the add-on's preferences, or use the preset offline.",
            ) from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def load_network(folder: Path, classes: Mapping[str, type], device: Device, *, commercial_only: bool = False) -> Loaded:
    """Load a network from its folder.

    Args:
        folder: of the store, with a record.
        classes: by name (as in config.json's `architectures`), which classes of `transformers` will do.
        device: to put it on.
        commercial_only: whether a network whose licence does not allow commercial use is refused.
    Raises:
        AnimePoseError: if it is not there, is of another architecture, or its weights cannot be read or do not fit.
    """
    record = _record(folder)
    if commercial_only and not record.commercial:
        raise AnimePoseError(
            f"{record.title} ({record.licence}) does not allow commercial use, and only such models are wanted.", _OTHER
        )
    settings = read_json(folder / CONFIG)
    kind = _chosen_class(record, settings, classes)
    if record.role in EXACT_ROLES and device.dtype is torch.bfloat16:
        device = replace(device, dtype=torch.float16)
    processor = next((read_json(folder / name) for name in PROCESSORS if (folder / name).is_file()), {})
    tensors = read_weights(_sized(folder, record))
    try:
        network, report = _built(kind, settings, tensors, device)
        _check(report, record, len(tensors))
        network = prepared(network.to(device.torch).eval().requires_grad_(False), device)
    except (*_PROBLEMS, MemoryError) as error:
        if is_out_of_memory(error):
            raise exhausted(error, record.title) from error
        if has_stopped(error):
            raise stopped(error) from error
        raise AnimePoseError(f"{record.title} in {folder} cannot be loaded: {_first_line(error)}.", REMEDY) from error
    return Loaded(network, processor, record, device)


def _record(folder: Path) -> ModelRecord:
    try:
        return read_record(folder)
    except AnimePoseError as error:
        raise AnimePoseError(error.message, REMEDY) from error


def _chosen_class(record: ModelRecord, settings: dict[str, Any], classes: Mapping[str, type]) -> Any:
    """The class of the network, if record, config.json and those who ask agree."""
    if record.architecture not in classes:
        raise AnimePoseError(
            f"{record.title} is a {record.architecture}; expected was one of {', '.join(classes)}.", _OTHER
        )
    named = settings.get("architectures") or [record.architecture]
    if record.architecture not in named:
        raise AnimePoseError(
            f"{record.title} should be a {record.architecture}, but its {CONFIG} says {', '.join(map(str, named))}.",
            REMEDY,
        )
    if settings.get("quantization_config"):
        raise AnimePoseError(f"The weights of {record.title} are quantised, which is not supported.", _OTHER)
    kind: Any = classes[record.architecture]
    family, expected = settings.get("model_type"), kind.config_class.model_type
    if family not in (None, expected):
        raise AnimePoseError(f"The {CONFIG} of {record.title} is of a {family!r}, expected was {expected!r}.", REMEDY)
    return kind


def _sized(folder: Path, record: ModelRecord) -> list[Path]:
    """The files with the weights, if they are as large as the record says."""
    files = weight_files(folder)
    sizes = {file.path: file.size for file in record.files}
    for path in files:
        expected, found = sizes.get(path.name, 0), path.stat().st_size if path.is_file() else 0
        if expected and found != expected:
            raise AnimePoseError(f"{path} has {found} bytes, expected were {expected}.", REMEDY)
    return files


def _built(kind: Any, settings: dict[str, Any], tensors: dict[str, torch.Tensor], device: Device) -> tuple[Any, dict]:
    """The network with the weights in the device's precision, still on the CPU, and what did not go together."""
    config = kind.config_class.from_dict({key: one for key, one in settings.items() if key not in IGNORED_SETTINGS})
    return kind.from_pretrained(
        None, config=config, state_dict=tensors, dtype=device.dtype, local_files_only=True, trust_remote_code=False,
        use_safetensors=True, output_loading_info=True, ignore_mismatched_sizes=True,
    )  # fmt: skip


def _check(report: dict[str, Any], record: ModelRecord, count: int) -> None:
    """Refuse weights that are not the network's: `transformers` would make up what is missing.

    Args:
        report: names that are missing, unexpected (without those that the class itself calls harmless), of another
            size.
        record: of the network.
        count: of tensors in the files.
    """
    missing = [name for name in report["missing_keys"] if not name.endswith(COUNTERS)]
    unexpected = [name for name in report["unexpected_keys"] if not name.endswith(COUNTERS)]
    if report["mismatched_keys"]:
        name, found, expected = sorted(report["mismatched_keys"])[0]
        raise AnimePoseError(
            f"The weights of {record.title} are of another size than its {CONFIG} says: {name} is "
            f"{tuple(found)}, expected was {tuple(expected)}.",
            REMEDY,
        )
    if missing:
        raise AnimePoseError(f"The weights of {record.title} lack {some(missing)}.", REMEDY)
    if len(unexpected) > UNEXPECTED_SHARE * count:
        raise AnimePoseError(
            f"The weights of {record.title} are another network's: nobody knows {some(unexpected)}.", REMEDY
        )
    if unexpected:
        print(f"{record.title}: not used: {some(unexpected)}", file=sys.stderr)  # noqa: T201 - the log


def _first_line(error: BaseException) -> str:
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).strip().rstrip(".:")
