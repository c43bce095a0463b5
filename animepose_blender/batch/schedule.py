"""Clips side by side: so many at a time, each with tools of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence

from .one_clip import Tools, convert_clip
from .order import Order
from .plan import PlannedClip
from .records import Records
from .report import ClipReport

WAIT_S = 0.2


class Watcher:
    """Is told how a batch goes; methods are called from several threads, one at a time."""

    def begins(self, planned: PlannedClip) -> None:
        """A clip is begun."""

    def shows(self, planned: PlannedClip, stage: str, fraction: float | None) -> None:
        """Something of a clip is being done."""

    def ends(self, planned: PlannedClip, report: ClipReport) -> None:
        """A clip is done, or failed."""


def convert_all(
    planned: Sequence[PlannedClip],
    order: Order,
    make_tools: Callable[[int], Tools],
    jobs: int,
    resume: bool,
    watcher: Watcher,
) -> list[ClipReport]:
    """Convert clips, so many at a time.

    Args:
        make_tools: called with the number of each slot; what it makes is used for one clip at a time.
    Returns:
        A report for each clip, in their order. If the user cancels, those that were not finished say so.
    """
    records = Records(order.output)
    reports = [ClipReport(one.clip.input, one.name) for one in planned]
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for index in range(len(planned)):
        waiting.put(index)
    telling, cancelled = threading.Lock(), threading.Event()
    slots = [make_tools(number) for number in range(max(1, min(jobs, len(planned))))]
    broken: list[BaseException] = []
    ended = [threading.Event() for _ in slots]

    def work(tools: Tools, end: threading.Event) -> None:
        try:
            while not cancelled.is_set():
                try:
                    index = waiting.get_nowait()
                except queue.Empty:
                    return
                one = planned[index]
                with telling:
                    watcher.begins(one)

                def show(stage: str, fraction: float | None, one: PlannedClip = one) -> None:
                    with telling:
                        watcher.shows(one, stage, fraction)

                reports[index] = convert_clip(one, order, tools, records, resume, show)
                with telling:
                    watcher.ends(one, reports[index])
        except KeyboardInterrupt:
            return
        except BaseException as error:  # noqa: BLE001 - it is raised again where the user can see it
            broken.append(error)
            cancelled.set()
        finally:
            tools.close()
            end.set()

    threads = [threading.Thread(target=work, args=both, daemon=True) for both in zip(slots, ended, strict=True)]
    try:
        for thread in threads:
            thread.start()
        _wait(ended)
    except KeyboardInterrupt:
        cancelled.set()
        for tools in slots:
            tools.cancel()
        _wait([end for end, thread in zip(ended, threads, strict=True) if thread.ident is not None])
    if broken:
        raise broken[0]
    return reports


def _wait(ended: Sequence[threading.Event]) -> None:
    """Wait until all threads have ended.

    In steps, since on Windows Ctrl-C does not reach a thread that waits for a lock; and without `Thread.join`, after
    whose interruption Python before 3.13 takes the thread for ended.
    """
    for end in ended:
        while not end.wait(WAIT_S):
            pass
