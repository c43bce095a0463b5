"""How much a batch costs beyond its stages, what a second job gains, and whether memory grows.

    .venv/bin/python scripts/bench_batch.py [CLIP...] [--write docs/benchmarks.md]

Without clips, the bundled demo clip is converted several times, each time another second of it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "scripts" / "demo_clip" / "salsa.mp4"
SECONDS = 1.5
"""Of each demo clip."""
MANY = 20
"""Takes that one builder makes scenes of, for its memory."""
SETTLED = 7
"""Scenes after which Blender has loaded what it will need."""
POLL_S = 0.1
BEGIN, END = "<!-- batch: begin -->", "<!-- batch: end -->"


def main() -> int:
    """Run the benchmark; prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--write", type=Path, help="put the table between its markers in this file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        jobs = out / "job.json"
        jobs.write_text(json.dumps(_order(arguments.clips)))
        rows = [("`--help`", f"{_seconds('convert', '--help'):.2f} s")]
        rows.append(("`--dry-run`", f"{_seconds('convert', '--job', jobs, '-o', out / 'dry', '--dry-run'):.2f} s"))
        one, two = (_convert(jobs, out / str(number), number) for number in (1, 2))
        rows.append(("first line of progress", f"{one['first_s']:.2f} s"))
        rows.append(("time beyond the sum of the stages, one job", f"{100 * one['beyond']:.1f} %"))
        rows.append((f"clips a minute, one job, {one['clips']} clips", f"{one['per_minute']:.2f}"))
        rows.append(("clips a minute, two jobs", f"{two['per_minute']:.2f}"))
        rows.append(("two jobs by one", f"{two['per_minute'] / one['per_minute']:.2f} times"))
        rows.append((f"memory of the builder, scenes {SETTLED} to {MANY}", _growth(out)))
    table = "\n".join(["| what | figure |", "|---|---|", *(f"| {what} | {figure} |" for what, figure in rows)])
    print(table)
    if arguments.write:
        text = arguments.write.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        arguments.write.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")
    return 0


def _order(clips: list[Path]) -> dict[str, object]:
    if clips:
        told = [{"input": str(clip.absolute())} for clip in clips]
    else:
        told = [
            {"input": str(DEMO), "name": f"part {part}", "estimate": {"start_s": 1.0 * part, "end_s": part + SECONDS}}
            for part in range(4)
        ]
    return {"version": 1, "export": ["blend", "glb"], "clips": told}


def _command(*words: object) -> list[str]:
    return [sys.executable, "-m", "animepose_blender.cli", *map(str, words)]


def _seconds(*words: object) -> float:
    started = time.monotonic()
    subprocess.run(_command(*words), capture_output=True, check=True, cwd=ROOT)
    return time.monotonic() - started


def _convert(jobs: Path, out: Path, number: int) -> dict[str, float]:
    """One run: how long until it says something, what it takes beyond its stages, and clips a minute."""
    started = time.monotonic()
    process = subprocess.Popen(
        _command("convert", "--job", jobs, "-o", out, "--jobs", number),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert process.stderr is not None
    first_line = process.stderr.readline()
    first_s = time.monotonic() - started
    rest = process.stderr.read()
    if process.wait() != 0:
        raise SystemExit(first_line + rest)
    took_s = time.monotonic() - started
    report = json.loads((out / "report.json").read_text())
    stages_s = sum(
        sum(clip["seconds"].values()) + sum(sum(result["seconds"].values()) for result in clip["results"])
        for clip in report["clips"]
    )
    count = len(report["clips"])
    return {"first_s": first_s, "beyond": took_s / stages_s - 1, "per_minute": 60 * count / took_s, "clips": count}


def _growth(out: Path) -> str:
    """Resident memory of the process that builds scenes, over many of them."""
    take = next((out / "1").glob("*.take.npz"))
    many = out / "many"
    many.mkdir()
    for number in range(MANY):
        os.link(take, many / f"{number:02d}.take.npz")
    process = subprocess.Popen(
        _command("convert", many, "-o", out / "built", "--export", "blend"), stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    sizes: list[int] = []
    watch = threading.Thread(target=_watch, args=(process, sizes))
    watch.start()
    assert process.stderr is not None
    process.stderr.read()
    process.wait()
    watch.join()
    begin, end = sizes[len(sizes) * SETTLED // MANY], max(sizes[-len(sizes) // 4 :])
    return f"{begin / 1024:.0f} → {end / 1024:.0f} MB"


def _watch(process: subprocess.Popen[str], sizes: list[int]) -> None:
    """Sizes (KB) of the largest process that the command has started."""
    while process.poll() is None:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        try:
            found = [_resident(int(child)) for task in children.parents[1].iterdir()
                     for child in (task / "children").read_text().split()]  # fmt: skip
        except OSError:
            found = []
        if found:
            sizes.append(max(found))
        time.sleep(POLL_S)


def _resident(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)


if __name__ == "__main__":
    sys.exit(main())
