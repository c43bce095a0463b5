#!/usr/bin/env python3
"""Make weights that were exported into `models/weights` part of what ships: record, list of networks, card.

    .venv/bin/python scripts/ship_weights.py cascade=out/cascade/log.jsonl detect_net=out/detect_net/log.jsonl root_net

Without a log, the figures on the card stay as they are.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from papers_training.shipping import RECORDS, ship

from animepose_blender.errors import AnimePoseError

MODELS = Path(__file__).resolve().parent.parent / "models"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", metavar="NAME[=LOG]", nargs="+", help=", ".join(RECORDS))
    parser.add_argument("--folder", type=Path, default=MODELS / "weights")
    parser.add_argument("--catalogue", type=Path, default=MODELS / "models.toml")
    options = parser.parse_args()
    for word in options.weights:
        name, _, log = word.partition("=")
        if name not in RECORDS:
            parser.error(f"there is no {name}, only {', '.join(RECORDS)}")
        try:
            record = ship(name, options.folder, options.catalogue, Path(log) if log else None)
        except AnimePoseError as error:
            print(error, file=sys.stderr)
            return 1
        print(f"{record.id}: {record.size} bytes, {record.files[0].sha256}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
