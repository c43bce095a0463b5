"""What an estimate with the chosen networks lacks, in words. Free of bpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...presets import Parts
from ...store.installed import Presence
from ...store.listing import Row, size_text

_USABLE = (Presence.HERE, Presence.SHIPPED)


@dataclass(frozen=True)
class Gap:
    """Why an estimate is not possible yet; at least one of these is not empty."""

    packages: bool = False
    """Whether the environment is known to lack the packages that networks of the store run on."""
    absent: tuple[Row, ...] = ()
    """Networks that can be fetched."""
    unknown: tuple[str, ...] = ()
    """Networks that only an import can bring."""
    refused: tuple[Row, ...] = ()
    """Networks that are not for commercial use, where that was asked for."""

    @property
    def packages_text(self) -> str:
        """What the environment lacks; empty if nothing."""
        return "The environment lacks PyTorch and Transformers, which these networks run on." if self.packages else ""

    @property
    def absent_text(self) -> str:
        """How many networks are not here, and how large they are; empty if none."""
        if not self.absent:
            return ""
        size = known_size(self.absent)
        return f"{counted(len(self.absent))} not here yet{f': {size}' if size else ''}."

    @property
    def others(self) -> tuple[str, ...]:
        """What only another choice can help with."""
        said = []
        if self.unknown:
            said.append(f"Not here, and not known: {', '.join(self.unknown)}. Import it, or choose another.")
        if self.refused:
            said.append(f"Not for commercial use: {', '.join(row.title for row in self.refused)}. Choose another.")
        return tuple(said)

    @property
    def reason(self) -> str:
        """All of it in one line."""
        return " ".join(text for text in (self.packages_text, self.absent_text, *self.others) if text)


def find_gap(parts: Parts, commercial_only: bool, networks: Mapping[str, Row], lacks_packages: bool) -> Gap | None:
    """What an estimate lacks; None if it can start.

    Args:
        parts: who does what.
        commercial_only: whether networks are refused that are not for commercial use.
        networks: all that are known, by id.
        lacks_packages: whether the environment is known to have no packages for networks of the store.
    """
    wanted = dict.fromkeys(parts.needed())
    known = [networks[id_] for id_ in wanted if id_ in networks]
    refused = tuple(row for row in known if commercial_only and not row.commercial)
    missing = [row for row in known if row.presence not in _USABLE and row not in refused]
    gap = Gap(
        packages=bool(parts.networks()) and lacks_packages,
        absent=tuple(row for row in missing if row.page),
        unknown=(*(id_ for id_ in wanted if id_ not in networks), *(row.title for row in missing if not row.page)),
        refused=refused,
    )
    return gap if gap != Gap() else None


def counted(count: int) -> str:
    """`1 network`, `4 networks`."""
    return f"{count} {'network' if count == 1 else 'networks'}"


def known_size(networks: Sequence[Row]) -> str:
    """Size of networks together; what nobody has stated is left out, and said so by `more than`."""
    size = sum(row.size for row in networks)
    if not size:
        return ""
    return f"{'' if all(row.size for row in networks) else 'more than '}{size_text(size)}"
