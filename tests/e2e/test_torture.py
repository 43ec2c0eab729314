"""`make torture` in small: twenty kills with faults on, and proof that a run finds what is planted."""

from __future__ import annotations

import os
import random

import pytest

from tests.harness.blob_endpoint import blob_endpoint
from tests.harness.copy_process import CopyProcess
from tests.harness.moment import killed_in_a_large_file
from tests.torture.run import Ordeal, planted, torture
from tests.torture.trees import torture_tree
from tests.torture.verdict import problems_at_the_end

SEED = int(os.environ.get("TORTURE_SEED", "20261125"))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_twenty_kills_lose_nothing_and_send_nothing_twice(tmp_path, certificates):
    ledger = torture(Ordeal(SEED, kills=20, share=0.03, hang_seconds=1.5), tmp_path, certificates)
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


def test_a_copy_that_forgets_what_it_has_staged_is_found(tmp_path, certificates):
    source = torture_tree(tmp_path / "source", random.Random(SEED), small=3, large=1, large_mib=12)
    bug = planted("amnesia:1", tmp_path / "count")
    with (
        blob_endpoint(certificates) as endpoint,
        CopyProcess(tmp_path / "home", endpoint, source, "--chunk-size-mib", "1", environment=bug) as copy,
    ):
        killed_in_a_large_file(copy, endpoint, after_blocks=5)
        copy.start()
        assert copy.finish(60) == 0, copy.output()
        endpoint.settle()
        problems = problems_at_the_end(copy, endpoint, source)
    assert len(problems) >= 5
    assert all("has to ask" in problem for problem in problems), problems
