"""python -m local.church rock.sqlite --people 5000 --seed 1 --shape current: writes a church and says what is in it."""

from __future__ import annotations

import argparse
from pathlib import Path

from local.church.church import generate
from local.church.enlarge import enlarge
from local.church.shapes import Shape


def main() -> None:
    """Parse the arguments, write the file, print the counts."""
    parser = argparse.ArgumentParser(prog="python -m local.church", description="A RockRMS database that is made up.")
    parser.add_argument("path", type=Path, help="the SQLite file to write (local/sqlserver serves it)")
    parser.add_argument("--people", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shape", type=Shape, choices=list(Shape), default=Shape.CURRENT)
    parser.add_argument("--lines", type=int, default=0, help="multiply the gift lines up to so many")
    parser.add_argument("--attendances", type=int, default=0, help="multiply the attendance rows up to so many")
    wanted = parser.parse_args()
    church = generate(wanted.path, seed=wanted.seed, people=wanted.people, shape=wanted.shape)
    print(f"RockRMS {church.rock_version}, install {church.install}, zone {church.time_zone}")
    if wanted.lines or wanted.attendances:
        print(enlarge(church, lines=wanted.lines, attendances=wanted.attendances))
    for trap, times in sorted(church.model.traps.items()):
        print(f"{times:>8}  {trap}")


if __name__ == "__main__":
    main()
