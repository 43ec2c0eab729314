"""When a soak says that something grew."""

from __future__ import annotations

from tests.torture.soak import Minute, growth
from tests.torture.trees import MIB


def minutes(*rss_mib: int, files: int = 20) -> list[Minute]:
    return [Minute(mib * MIB, files, 3) for mib in rss_mib]


def test_flat_is_flat():
    assert growth(minutes(90, 200, 205, 198, 203, 204, 201, 199, 204, 203)) == []


def test_warming_up_is_no_growth():
    assert growth(minutes(50, *[200] * 19)) == []


def test_a_steady_leak_is_found():
    (said,) = growth(minutes(*range(200, 300, 5)))
    assert "rss_bytes grew" in said


def test_files_that_are_left_open_are_found():
    leak = [Minute(200 * MIB, 20 + 2 * number, 3) for number in range(20)]
    (said,) = growth(leak)
    assert "open_files grew" in said


def test_a_process_that_is_left_over_is_found():
    (said,) = growth([*minutes(*[200] * 15), *[Minute(200 * MIB, 20, 4)] * 5])
    assert "processes grew from 3 to 4" in said


def test_too_few_minutes_say_nothing():
    assert growth(minutes(200, 200)) != []
