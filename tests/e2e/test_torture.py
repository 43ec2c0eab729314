"""`make torture` in small: twenty kills with faults on, and proof that a run finds what is planted."""

from __future__ import annotations

import os

import pytest

from tests.torture.run import Ordeal, torture

SEED = int(os.environ.get("TORTURE_SEED", "20261125"))


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_twenty_kills_lose_nothing_and_send_nothing_twice(tmp_path, certificates):
    ledger = torture(Ordeal(SEED, kills=20), tmp_path, certificates)
    assert not ledger.problems, f"seed {SEED}; {ledger.sentence()}\n" + "\n".join(ledger.problems[:20])
    assert sum(ledger.kills.values()) == 20
    assert ledger.kills.keys() == {"all", "main", "worker"}
    assert ledger.faults


def test_a_copy_that_nobody_hinders_is_found_to_be_good(tmp_path, certificates):
    ledger = torture(Ordeal(SEED, kills=0, share=0, small=30, large=2, large_mib=8), tmp_path, certificates)
    assert ledger.problems == []


@pytest.mark.parametrize("kind", ["skipped", "stale"])
def test_a_planted_bug_is_found(tmp_path, certificates, kind):
    """One block in ten here, one in 10,000 in `make torture`: left out, or sent with the bytes of another."""
    ordeal = Ordeal(SEED, kills=0, share=0, small=5, large=1, large_mib=12, planted=f"{kind}:10")
    ledger = torture(ordeal, tmp_path, certificates)
    assert any("large 0.bin" in problem for problem in ledger.problems), ledger
