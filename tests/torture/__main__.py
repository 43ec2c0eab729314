"""`python -m tests.torture`: many kills at random points; prints its seed first, exits 1 if anything was lost."""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
from collections import Counter
from pathlib import Path

from local.certificates import certificates_in
from tests.torture.run import Ledger, Ordeal, torture


def show(ledger: Ledger) -> None:
    """Prints each kind of problem with a few examples."""
    shown: Counter[str] = Counter()
    for problem in ledger.problems:
        kind = problem.rsplit(": ", 1)[-1] if " was staged again: " in problem else problem.split(": ", 1)[0]
        shown[kind] += 1
        if shown[kind] <= 5:
            print(f"LOST: {problem}")
    for kind, count in shown.items():
        if count > 5:
            print(f"... and {count - 5} more ({kind})")


def main() -> int:
    """Result: the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, help="of an earlier run; a new one if absent")
    parser.add_argument("--share", type=float, default=0.06, help="of requests that meet a fault")
    parser.add_argument(
        "--prove", metavar="KIND:N", help="no kills: an agent in which one block in N is skipped or stale must be found"
    )
    parser.add_argument("--keep", type=Path, help="a folder for trees and journals, which are kept")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else secrets.randbelow(1 << 31)
    print(f"seed {seed} (again: make torture SEED={seed})", flush=True)
    ordeal = Ordeal(seed, kills=given.kills, share=given.share)
    if given.prove:
        blocks = int(given.prove.partition(":")[2]) * 21 // 20
        ordeal = Ordeal(
            seed, kills=0, share=0, small=20, large=1, large_mib=blocks, planted=given.prove, end_seconds=3600
        )
    with tempfile.TemporaryDirectory(prefix="torture-") as scratch:
        directory = given.keep or Path(scratch)
        ledger = torture(ordeal, directory, certificates_in(directory / "tls"), lambda said: print(said, flush=True))
    show(ledger)
    if given.prove:
        print("the planted bug was found" if ledger.problems else "THE PLANTED BUG WAS NOT FOUND")
        return 0 if ledger.problems else 1
    print("nothing was lost" if not ledger.problems else f"{len(ledger.problems)} problems, seed {seed}")
    return 1 if ledger.problems else 0


if __name__ == "__main__":
    sys.exit(main())
