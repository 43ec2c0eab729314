"""The stop signal: strength, children, waits."""

from __future__ import annotations

import threading

import pytest

from migrate_agent.stop import StopKind, StopRequested, StopSignal


def test_a_stronger_request_replaces_a_weaker_one_and_never_the_other_way():
    stop = StopSignal()
    assert (stop.kind, stop.requested, stop.cancelled) == (None, False, False)
    stop.request(StopKind.PAUSE)
    stop.request(StopKind.STOP)
    assert stop.kind is StopKind.PAUSE
    stop.request(StopKind.CANCEL)
    assert stop.cancelled


def test_children_hear_the_parent_and_not_the_other_way():
    parent = StopSignal()
    child, sibling = parent.child(), parent.child()
    child.request(StopKind.CANCEL)
    assert (parent.kind, sibling.kind) == (None, None)
    parent.request(StopKind.STOP)
    assert (child.kind, sibling.kind) == (StopKind.CANCEL, StopKind.STOP)
    assert parent.child().kind is StopKind.STOP


def test_a_grandchild_hears_it():
    parent = StopSignal()
    child = parent.child()
    grandchild = child.child()
    parent.request(StopKind.PAUSE)
    assert grandchild.kind is StopKind.PAUSE


def test_waits_end_by_the_request():
    stop = StopSignal()
    assert stop.wait(0) is False
    threading.Timer(0.01, stop.request, [StopKind.STOP]).start()
    assert stop.wait(10) is True
    assert stop.wait_cancelled(0) is False
    threading.Timer(0.01, stop.request, [StopKind.CANCEL]).start()
    assert stop.wait_cancelled(10) is True


def test_raising():
    stop = StopSignal()
    stop.raise_if_requested()
    stop.request(StopKind.PAUSE)
    with pytest.raises(StopRequested) as raised:
        stop.raise_if_requested()
    assert raised.value.kind is StopKind.PAUSE
