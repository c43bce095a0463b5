"""What words of the command line mean; `argparse` names the option where a word means nothing."""

from __future__ import annotations

import argparse
import json
import math

from ..batch.order import FORMATS

WITHIN = (5.0, 2.0)
"""Millimetres and degrees within which keys are reduced, where none are said."""


def focal(text: str) -> tuple[float | None, float | None]:
    """(mm, px) of `35`, `35mm` or `800px`."""
    number = text.lower().removesuffix("mm").removesuffix("px").strip()
    try:
        value = float(number)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a focal length such as 35, 35mm or 800px") from None
    return (None, value) if text.lower().endswith("px") else (value, None)


def reduction(text: str) -> tuple[float, float]:
    """(mm, degrees) of `5`, `5,2` or nothing."""
    words = text.split(",") if text else []
    try:
        mm, deg = (float(word) for word in [*words, *map(str, WITHIN[len(words) :])])
    except ValueError:
        mm = deg = 0.0
    if not (math.isfinite(mm) and mm > 0 and math.isfinite(deg) and deg > 0):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not MM or MM,DEG above 0, such as 5,2; clips come before it, or write --reduce-keys=5"
        )
    return mm, deg


def formats(text: str) -> tuple[str, ...]:
    """Names of `fbx,glb`."""
    named = tuple(dict.fromkeys(word.strip().lower() for word in text.split(",") if word.strip()))
    unknown = [f for f in named if f not in FORMATS]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown format {', '.join(unknown)}; known are {', '.join(FORMATS)}")
    return named


def at_least_one(text: str) -> int:
    """A number of things at a time."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def setting(text: str) -> tuple[str, object]:
    """`NAME=JSON` for `JobRequest.settings`; what is not JSON is taken as text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
