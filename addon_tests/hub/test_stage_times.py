"""Times of stages: each second belongs to one stage of one thread, or to waiting."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace

import pytest

from animepose_blender.estimate.hub import stage_times
from animepose_blender.estimate.hub.stage_times import StageTimes, table


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only when it is told to."""
    state = SimpleNamespace(now=100.0)

    def passes(seconds: float) -> None:
        state.now += seconds

    monkeypatch.setattr(stage_times.time, "perf_counter", lambda: state.now)
    return passes


def test_seconds_calls_and_counts_add_up(clock):
    times = StageTimes()
    for _ in range(2):
        with times("detect", 8):
            clock(1.5)
        clock(1.0)
    profile = times.profile()
    assert profile["seconds"] == {"detect": 3.0}
    assert profile["count"] == {"detect": 16}
    assert profile["calls"] == {"detect": 2}
    assert profile["elapsed_s"] == 4.0
    assert profile["memory_mib"] is None or profile["memory_mib"] > 10


def test_a_stage_inside_another_is_not_counted_twice(clock):
    times = StageTimes()
    with times("outer"):
        clock(1.0)
        with times("inner"):
            clock(2.0)
            with times("innermost"):
                clock(4.0)
        clock(8.0)
    assert times.profile()["seconds"] == {"innermost": 4.0, "inner": 2.0, "outer": 9.0}


def test_waiting_is_told_from_work(clock):
    times = StageTimes()

    def slow():
        for item in range(3):
            clock(2.0)
            yield item

    for _ in times.waiting("pose", slow()):
        with times("pose", 1):
            clock(0.5)
    profile = times.profile()
    assert profile["waited_s"] == {"pose": 6.0}
    assert profile["seconds"] == {"pose": 1.5}


def test_what_is_made_in_the_same_thread_is_no_waiting(clock):
    times = StageTimes()

    def decoded():
        for item in range(2):
            with times("decode", 1):
                clock(2.0)
            clock(0.25)
            yield item

    assert list(times.waiting("detect", decoded())) == [0, 1]
    assert times.profile()["waited_s"] == {"detect": 0.5}
    assert times.profile()["seconds"] == {"decode": 4.0}


def test_stages_of_threads_do_not_mix(clock):
    times = StageTimes()

    def other():
        with times("pose", 3):
            pass

    with times("detect"):
        thread = threading.Thread(target=other, name="networks")
        thread.start()
        thread.join()
        clock(1.0)
    profile = times.profile()
    assert profile["seconds"] == {"pose": 0.0, "detect": 1.0}
    assert profile["thread"] == {"pose": "networks", "detect": "MainThread"}


def test_a_stage_that_fails_has_taken_its_time_and_the_error_passes(clock):
    times = StageTimes()
    with pytest.raises(KeyError), times("detect", 8):
        clock(1.0)
        raise KeyError("x")
    with times("depth"):
        clock(1.0)
    assert times.profile()["seconds"] == {"detect": 1.0, "depth": 1.0}


def test_a_profile_can_be_kept_in_a_take_and_read_as_a_table(clock):
    times = StageTimes(SimpleNamespace(torch=SimpleNamespace(type="cpu"), name="CPU, 2 threads, float32"))  # type: ignore[arg-type]
    with times("detect", 8):
        clock(2.0)
    with times("pose", 24):
        clock(6.0)
    profile = json.loads(json.dumps(times.profile()))
    lines = table(profile).splitlines()
    assert lines[1].split()[:6] == ["pose", "6.00", "75%", "1", "24", "4.0"]
    assert lines[2].startswith("detect")
    assert "CPU, 2 threads, float32" in lines[-1]
    assert "elapsed 0.00 s" in table(StageTimes().profile())


def test_on_cuda_events_are_read_when_they_have_passed_and_nobody_waits_for_them(monkeypatch):
    torch = pytest.importorskip("torch")
    waited: list[int] = []
    made: list[Event] = []

    class Event:
        def __init__(self, enable_timing):
            self.number = len(made)
            made.append(self)
            self.passed = False

        def record(self):
            pass

        def query(self):
            return self.passed

        def synchronize(self):
            if not self.passed:
                waited.append(self.number)
            self.passed = True

        def elapsed_time(self, other):
            return 250.0

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: None)
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda: 3 * 2**30)
    times = StageTimes(SimpleNamespace(torch=SimpleNamespace(type="cuda"), name="NVIDIA Test"))  # type: ignore[arg-type]
    for _ in range(10):
        with times("detect", 8):
            pass
    assert waited == []
    made[1].passed = True
    with times("detect", 8):
        pass
    assert waited == []
    profile = times.profile()
    assert profile["gpu_seconds"] == {"detect": 11 * 0.25}
    assert profile["gpu_memory_mib"] == 3072
    assert "2.75" in table(profile)
    for _ in range(stage_times.EVENTS_KEPT + 5):
        with times("pose"):
            pass
    assert len(times._events) <= stage_times.EVENTS_KEPT
