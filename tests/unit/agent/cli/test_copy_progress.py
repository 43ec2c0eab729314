"""What a person reads while a copy runs: nothing false before all is found, and rates in the unit of limits."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from migrate_agent.cli.copy_progress import CopyProgress, how_far, how_fast, share_of
from migrate_agent.cli.quantities import duration, rates, size, worker_time
from migrate_agent.engine_results import Snapshot
from migrate_contract.jobs import JobPhase, Tally, Waiting, WaitReason

MIB = 1 << 20


def tally(**buckets: int) -> Tally:
    return Tally(scanned=sum(buckets.values()), **buckets)


def snapshot(**more: object) -> Snapshot:
    given = Snapshot(
        phase=JobPhase.RUNNING,
        scan_complete=True,
        files=tally(unchanged=800, excluded=200, transferred=100, pending=300),
        bytes=tally(unchanged=800 * MIB, excluded=200 * MIB, transferred=100 * MIB, pending=300 * MIB),
        speed_bytes_per_second=10e6,
        average_bytes_per_second=9.5e6,
        eta_seconds=750.0,
    )
    return replace(given, **more)  # type: ignore[arg-type]


def test_what_was_skipped_is_no_part_of_the_percent():
    assert how_far(snapshot()) == "25%, 100 of 400 files sent, 100.0 MiB of 400.0 MiB; 1,000 skipped"


def test_before_the_scan_is_complete_there_is_no_percent_and_no_whole():
    words = how_far(snapshot(scan_complete=False))
    assert words == "1,400 files, 1.4 GiB found so far; 100 sent, 100.0 MiB; 1,000 skipped"
    assert "%" not in words
    assert share_of(snapshot(scan_complete=False)).fraction is None


def test_the_percent_is_never_100_before_the_end():
    nearly = snapshot(files=tally(transferred=999_999, pending=1), bytes=tally(transferred=10**12, pending=1))
    assert how_far(nearly).startswith("99%")
    done = snapshot(files=tally(transferred=2), bytes=tally(transferred=10))
    assert how_far(done).startswith("100%, 2 of 2 files")


def test_nothing_to_send_is_said():
    assert how_far(snapshot(files=tally(unchanged=3), bytes=tally(unchanged=9))) == "nothing to send; 3 skipped"


def test_rates_time_left_and_advice():
    assert how_fast(snapshot(advice="disk-bound: raising concurrency will not help")) == (
        "80 Mbps now, 76 Mbps average, 12:30 left (disk-bound: raising concurrency will not help)"
    )
    waiting = Waiting(reason=WaitReason.COMMIT, detail="the service to confirm what was sent")
    assert how_fast(snapshot(eta_seconds=None, waiting=waiting)).endswith(
        "average (the service to confirm what was sent)"
    )
    assert how_fast(snapshot(speed_bytes_per_second=0.0, average_bytes_per_second=0.0, eta_seconds=None)) == ""


def shown_in_a_terminal(*snapshots: Snapshot, width: int = 120) -> str:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=width, color_system=None, legacy_windows=False)
    with CopyProgress(console=console) as progress:
        for each in snapshots:
            progress.show(each)
            assert progress._bar is not None
            progress._bar.refresh()
    return screen.getvalue()


def test_a_terminal_shows_both_lines():
    shown = shown_in_a_terminal(snapshot(advice="disk-bound: raising concurrency will not help"))
    assert "25%, 100 of 400 files sent" in shown
    assert "disk-bound: raising concurrency will not help" in shown


def test_markup_in_what_is_shown_is_only_text():
    assert "[bold]x[/bold]" in shown_in_a_terminal(snapshot(advice="[bold]x[/bold]"))


def test_a_bar_without_a_whole_has_no_end():
    with CopyProgress(console=Console(file=io.StringIO(), force_terminal=True)) as progress:
        progress.show(snapshot(scan_complete=False))
        assert progress._bar is not None
        assert progress._bar.tasks[0].total is None
        progress.show(snapshot())
        assert progress._bar.tasks[0].percentage == pytest.approx(25, abs=0.1)


def test_where_nobody_watches_a_line_comes_now_and_then_and_at_once_when_the_connection_is_lost(capsys):
    clock = {"now": 0.0}
    lost = Waiting(reason=WaitReason.NO_CONNECTION, detail="no connection to x since 14:02 UTC (timeout)")
    with CopyProgress(monotonic=lambda: clock["now"]) as progress:
        for second in range(31):
            clock["now"] = float(second)
            progress.show(snapshot())
        assert capsys.readouterr().err.count("running: 25%") == 1
        progress.show(snapshot(waiting=lost, speed_bytes_per_second=0.0, eta_seconds=None))
        progress.show(snapshot(waiting=lost, speed_bytes_per_second=0.0, eta_seconds=None))
    assert capsys.readouterr().err.count("no connection to x since 14:02 UTC") == 1


# Quantities


def test_worker_time_is_in_shares_the_largest_first():
    waited = {"disk": 30.0, "network": 61.0, "commit": 8.8, "grant": 0.2, "a reason of a later version": 100.0}
    assert worker_time(waited) == "network 61%, disk 30%, commit 9%"
    assert worker_time({}) == ""


@pytest.mark.parametrize(
    ("now", "average", "words"),
    [
        (0, 0, ""),
        (10e6, 0, "80 Mbps now"),
        (0, 2e6, "0 Mbps now, 16 Mbps average"),
        (1e9, 1e9, "8,000 Mbps now, 8,000 Mbps average"),
    ],
)
def test_rates_are_in_megabits(now, average, words):
    assert rates(now, average) == words


def test_sizes_and_durations():
    assert [size(0), size(1023), size(1 << 20), size(3 << 40)] == ["0 B", "1023 B", "1.0 MiB", "3.0 TiB"]
    assert [duration(42), duration(750), duration(11_100)] == ["0:42", "12:30", "3:05:00"]
