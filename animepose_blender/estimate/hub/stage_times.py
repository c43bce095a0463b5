"""How long each stage of a run takes, where stages run side by side in threads, and what the run waits for.

On CUDA, work is only queued when a call returns. So the time on the GPU is taken by events in its stream, which cost
nothing and make nobody wait; they are read when they have passed.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from .device import Device

T = TypeVar("T")

EVENTS_KEPT = 64
"""Pairs of events that may wait to be read; older ones have long passed."""
MIB = 2**20


@dataclass
class _Stage:
    """What is known of one stage."""

    thread: str
    seconds: float = 0.0
    """Spent in it, without the stages inside it."""
    gpu_seconds: float = 0.0
    """From its first to its last work in the GPU's stream, with the stages inside it."""
    calls: int = 0
    count: int = 0


class StageTimes:
    """Seconds and counts of each stage; safe to use from several threads.

    Args:
        device: that the networks run on; None = times on the GPU and its memory are not asked for.
    """

    def __init__(self, device: Device | None = None) -> None:
        self._device = device
        self._cuda = device is not None and device.torch.type == "cuda"
        self._lock = threading.Lock()
        self._stages: dict[str, _Stage] = {}
        self._waited: dict[str, float] = defaultdict(float)
        self._first: float | None = None
        self._last = 0.0
        self._events: deque[tuple[str, Any, Any]] = deque()
        self._open = threading.local()
        """Of each thread: for each open span, the seconds of spans inside it."""
        if self._cuda:
            import torch

            torch.cuda.reset_peak_memory_stats()

    @contextlib.contextmanager
    def __call__(self, stage: str, count: int = 0) -> Iterator[None]:
        """Time a piece of work, also if it fails.

        Args:
            stage: its name. Inside another stage of the same thread, its time is not the other's too.
            count: frames, or people, that it works on.
        """
        begun = self._event()
        started = self._enter()
        try:
            yield
        finally:
            self._add(stage, started, self._leave(started), count)
            if begun is not None:
                self._keep(stage, begun, self._event())

    def waiting(self, stage: str, items: Iterable[T]) -> Iterator[T]:
        """The items, and how long a stage waited for each. What is made meanwhile in the same thread, in stages of its
        own, is no waiting."""
        iterator = iter(items)
        while True:
            started = self._enter()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                waited = self._leave(started)
                with self._lock:
                    self._waited[stage] += waited
            yield item

    def profile(self) -> dict[str, Any]:
        """For `source["profile"]` of a take: seconds of each stage, without those inside it, its calls and count,
        seconds waited, seconds from the first stage's beginning to the last one's end, and peaks of memory in MiB."""
        self._read_events(keep=0)
        with self._lock:
            elapsed = self._last - self._first if self._first is not None else 0.0
            stages = dict(self._stages)
            profile: dict[str, Any] = {
                "seconds": {name: round(one.seconds, 4) for name, one in stages.items()},
                "count": {name: one.count for name, one in stages.items()},
                "calls": {name: one.calls for name, one in stages.items()},
                "thread": {name: one.thread for name, one in stages.items()},
                "waited_s": {name: round(seconds, 4) for name, seconds in self._waited.items()},
                "elapsed_s": round(elapsed, 4),
                "memory_mib": _peak_memory_mib(),
            }
            if self._cuda:
                profile["gpu_seconds"] = {name: round(one.gpu_seconds, 4) for name, one in stages.items()}
        if self._device is not None:
            profile["device"] = self._device.name
        if self._cuda:
            import torch

            profile["gpu_memory_mib"] = round(torch.cuda.max_memory_reserved() / MIB)
        return profile

    def _enter(self) -> float:
        """Begin a span of this thread; the moment, seconds."""
        if not hasattr(self._open, "spans"):
            self._open.spans = []
        self._open.spans.append(0.0)
        return time.perf_counter()

    def _leave(self, started: float) -> float:
        """End the span; its seconds without the spans inside it."""
        seconds, spans = time.perf_counter() - started, self._open.spans
        own = seconds - spans.pop()
        if spans:
            spans[-1] += seconds
        return own

    def _add(self, name: str, started: float, seconds: float, count: int) -> None:
        with self._lock:
            stage = self._stages.setdefault(name, _Stage(threading.current_thread().name))
            stage.seconds += seconds
            stage.count += count
            stage.calls += 1
            self._first = started if self._first is None else min(self._first, started)
            self._last = max(self._last, time.perf_counter())

    def _event(self) -> Any:
        if not self._cuda:
            return None
        import torch

        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def _keep(self, stage: str, begun: Any, ended: Any) -> None:
        with self._lock:
            self._events.append((stage, begun, ended))
        self._read_events(keep=EVENTS_KEPT)

    def _read_events(self, keep: int) -> None:
        """Read events that have passed, waiting only for those that are more than `keep` pairs old."""
        with self._lock:
            while self._events and (len(self._events) > keep or self._events[0][2].query()):
                stage, begun, ended = self._events.popleft()
                ended.synchronize()
                self._stages[stage].gpu_seconds += begun.elapsed_time(ended) / 1000.0


def table(profile: dict[str, Any]) -> str:
    """A profile as lines of text, for a log or a report; the stage that most time goes into comes first.

    Args:
        profile: of `StageTimes.profile`.
    """
    elapsed, gpu = profile["elapsed_s"], profile.get("gpu_seconds", {})
    lines = [f"{'stage':<12}{'seconds':>9}{'share':>7}{'GPU s':>9}{'calls':>7}{'count':>8}{'a second':>10}  thread"]
    for name, seconds in sorted(profile["seconds"].items(), key=lambda one: -one[1]):
        count = profile["count"][name]
        rate = f"{count / seconds:.1f}" if count and seconds > 0 else ""
        share = f"{seconds / elapsed:.0%}" if elapsed > 0 else ""
        on_gpu = f"{gpu[name]:.2f}" if name in gpu else ""
        lines.append(
            f"{name:<12}{seconds:>9.2f}{share:>7}{on_gpu:>9}{profile['calls'][name]:>7}{count:>8}{rate:>10}"
            f"  {profile['thread'][name]}"
        )
    waited = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in profile["waited_s"].items())
    lines.append(f"elapsed {elapsed:.2f} s; waited: {waited or 'never'}")
    memory = f"peak memory {profile['memory_mib']} MiB" if profile["memory_mib"] else "peak memory unknown"
    if "gpu_memory_mib" in profile:
        memory += f", {profile['gpu_memory_mib']} MiB on the GPU"
    lines.append(f"{memory}{'; ' + profile['device'] if 'device' in profile else ''}")
    return "\n".join(lines)


def _peak_memory_mib() -> int | None:
    """Of this process so far; None where the system does not say (Windows)."""
    try:  # Linux's getrusage would give the parent's peak where that was larger
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) // 1024
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (MIB if sys.platform == "darwin" else 1024))
