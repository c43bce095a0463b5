"""Items made ahead in a thread arrive as if they were made on the spot."""

from __future__ import annotations

import threading
import weakref

import pytest

from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.ahead import Ahead


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "ahead"]


def test_every_item_comes_once_and_in_order():
    with Ahead(iter(range(500)), 3) as items:
        assert list(items) == list(range(500))


def test_no_items_are_no_items():
    with Ahead(iter(()), 3) as items:
        assert list(items) == []


def test_an_item_may_be_false_or_empty():
    with Ahead(iter([0, "", False]), 3) as items:
        assert list(items) == [0, "", False]


def test_an_error_arrives_after_the_items_before_it():
    def broken():
        yield from range(5)
        raise AnimePoseError("No more.", "Stop.")

    got = []
    with Ahead(broken(), 2) as items, pytest.raises(AnimePoseError, match="No more"):
        got.extend(items)  # extend keeps what came before the error
    assert got == list(range(5))
    assert not _threads()


def test_an_error_of_the_user_leaves_the_context_and_ends_the_thread():
    with pytest.raises(ZeroDivisionError), Ahead(iter(range(10**9)), 2) as items:
        next(items)
        1 / 0
    assert not _threads()


def test_leaving_early_ends_the_thread():
    with Ahead(iter(range(10**9)), 2) as items:
        assert next(items) == 0
        assert len(_threads()) == 1
    assert not _threads()


def test_leaving_early_closes_what_makes_the_items():
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield 0
        finally:
            closed.set()

    ahead = Ahead(endless(), 2)
    with ahead as items:
        next(items)
    del ahead, items
    assert closed.wait(10)


def test_no_more_are_made_ahead_than_asked_for():
    made = threading.Semaphore(0)
    count = [0]

    def counted():
        for number in range(100):
            count[0] += 1
            made.release()
            yield number

    with Ahead(counted(), 4) as items:
        for taken in range(1, 20):
            next(items)
            # Wait until the thread has caught up: those in the queue and the one in its hand.
            while count[0] < taken + 5:
                assert made.acquire(timeout=10)
            assert count[0] <= taken + 5


class _Heavy:
    """Something that can be watched going."""


def test_what_was_used_is_let_go():
    watched: list[weakref.ref] = []

    def heavy():
        for _ in range(20):
            item = _Heavy()
            watched.append(weakref.ref(item))
            yield item

    most = 0
    with Ahead(heavy(), 3) as items:
        for _ in items:
            most = max(most, sum(ref() is not None for ref in watched))
    assert most <= 3 + 3
