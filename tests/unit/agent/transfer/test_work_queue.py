"""The workers' queue: bounded files, bounded memory, and nobody who waits for ever."""

from __future__ import annotations

import threading

import pytest

from migrate_agent.stop import StopKind, StopRequested, StopSignal
from migrate_agent.transfer.work_queue import Grouping, WorkQueue


def queue(files: int = 2, memory: int = 100) -> tuple[WorkQueue[str], StopSignal]:
    stop = StopSignal()
    return WorkQueue(files, memory, stop), stop


def test_blocks_come_before_files_and_close_ends_the_workers():
    work, _ = queue()
    block = threading.Event().set
    work.put_file("file")
    work.put_block(block)
    assert work.take() == block
    assert work.take() == ["file"]
    work.files_done()
    work.drain()
    work.close()
    assert work.take() is None


def test_files_are_bounded_and_a_stop_ends_the_wait():
    work, stop = queue(files=1)
    work.put_file("a")
    threading.Timer(0.01, stop.request, [StopKind.STOP]).start()
    with pytest.raises(StopRequested):
        work.put_file("b")
    assert work.take() is None, "after a stop no file is begun"


def test_who_waits_for_memory_sends_blocks_meanwhile():
    work, _ = queue(memory=100)
    sent: list[int] = []

    def block() -> None:
        sent.append(1)
        work.release(80)

    work.hold(80)
    work.put_block(block)
    work.hold(50)
    assert sent == [1]


def test_one_piece_is_always_allowed():
    work, _ = queue(memory=10)
    work.hold(1000)
    work.release(1000)


def test_a_cancel_ends_the_wait_for_memory():
    work, stop = queue(memory=10)
    work.hold(10)
    threading.Timer(0.01, stop.request, [StopKind.CANCEL]).start()
    with pytest.raises(StopRequested):
        work.hold(10)


def test_helping_goes_on_until_done():
    work, _ = queue()
    left = [3]

    def block() -> None:
        left[0] -= 1

    for _ in range(3):
        work.put_block(block)
    work.help_until(lambda: left[0] == 0)


def test_many_large_files_at_once_never_block_each_other():
    """Every thread reads a file of its own, and memory is for two blocks only."""
    work, _ = queue(memory=2)
    done = []

    def read_and_send() -> None:
        on_their_way = [0]
        lock = threading.Lock()

        def send() -> None:
            with lock:
                on_their_way[0] -= 1
            work.release(1)

        for _ in range(50):
            work.hold(1)
            with lock:
                on_their_way[0] += 1
            work.put_block(send)
        work.help_until(lambda: on_their_way[0] == 0)
        done.append(1)

    threads = [threading.Thread(target=read_and_send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(done) == 6


def grouped(together: int, threads: int, *files: str, working: int = 99) -> WorkQueue[str]:
    work, _ = queue(files=50)
    work.group(Grouping(str.islower, lambda: (together, threads)))
    work.set_most_working(working)
    work.put_files(files)
    return work


def test_files_that_fit_are_taken_together_and_others_alone():
    work = grouped(3, 9, "a", "b", "c", "d", "BIG", "e")
    assert work.take() == ["a", "b", "c"]
    assert work.take_along() == ["d"]
    assert work.take_along() == [], "what comes next does not fit"
    assert work.take() == ["BIG"]
    assert work.take() == ["e"]


def test_no_more_are_taken_than_may_be_worked_on():
    work = grouped(3, 9, *"abcdefgh", working=4)
    assert work.take() == ["a", "b", "c"]
    assert work.take_along() == ["d"]
    assert work.take_along() == []
    work.files_done(2)
    assert work.take_along() == ["e", "f"]


def test_no_more_threads_have_groups_than_may():
    work = grouped(2, 1, *"abcde")
    assert work.take() == ["a", "b"]
    got: list[object] = []
    other = threading.Thread(target=lambda: got.append(work.take()), daemon=True)
    other.start()
    assert work.take_along() == ["c", "d"]
    assert got == []
    work.files_done(4)
    work.group_done()
    other.join(5)
    assert got == [["e"]]


def test_what_is_put_back_comes_first_and_is_waited_for():
    work = grouped(2, 9, *"abc")
    taken = work.take()
    assert isinstance(taken, list)
    work.put_back([name.upper() for name in taken])
    work.group_done()
    assert [work.take() for _ in range(3)] == [["A"], ["B"], ["c"]]
    work.files_done(3)
    work.drain()


def test_blocks_go_before_a_second_group():
    work = grouped(1, 9, *"ab")
    assert work.take() == ["a"]
    work.put_block(lambda: None)
    assert work.take_along() == []
