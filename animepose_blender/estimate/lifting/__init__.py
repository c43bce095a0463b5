"""Lifting: one person's keypoints and joint depths over time to joints in space, with uncertainty and contacts."""

from __future__ import annotations

from .protocol import LiftedSequence, Lifter, Sequence

__all__ = ["LiftedSequence", "Lifter", "Sequence", "default_lifter"]


def default_lifter() -> Lifter:
    """The lifter that reconstruction uses."""
    from .convolution import convolution_lifter

    return convolution_lifter()
