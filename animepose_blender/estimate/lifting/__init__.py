"""Lifting: one person's keypoints and joint depths over time to joints in space, with uncertainty and contacts."""

from __future__ import annotations

from ...presets import NONE
from .protocol import LiftedSequence, Lifter, Sequence

__all__ = ["LiftedSequence", "Lifter", "Sequence", "default_lifter"]


def default_lifter() -> Lifter:
    """The lifter that reconstruction uses unless it is told otherwise."""
    from .convolution import convolution_lifter

    return convolution_lifter()


def lifter_of(id_: str) -> Lifter | None:
    """A lifter of the weight store, or one that is shipped; None where none is wanted.

    Raises:
        AnimePoseError: if it is not there, or is no network of this kind.
    """
    from ...store.installed import find_network, weights_file
    from .convolution import convolution_lifter

    if id_ == NONE:
        return None
    path, record = find_network(id_)
    return convolution_lifter(weights_file(path, record), name=f"AnimePose {record.title} ({record.licence})")
