"""The endpoint's program, compiled for this machine when its source has changed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

SOURCES = Path(__file__).parent / "c"
BUILD = Path(__file__).parents[2] / ".local" / "bench"
_FLAGS = ("-O3", "-march=native", "-std=gnu17", "-Wall", "-Wextra", "-Werror")
_LIBRARIES = ("-lssl", "-lcrypto", "-lm")


class BuildFailed(Exception):
    """The program cannot be compiled here; the message says what is missing or wrong."""


def built_program(directory: Path = BUILD) -> Path:
    """The compiled endpoint, made if these sources were not compiled yet. Raises BuildFailed."""
    sources = sorted(SOURCES.glob("*.[ch]"))
    fingerprint = hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    program = directory / f"sink-{fingerprint}"
    if program.exists():
        return program
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise BuildFailed("No C compiler on PATH. Install Debian's gcc and libssl-dev (make system-packages).")
    directory.mkdir(parents=True, exist_ok=True)
    unfinished = program.with_suffix(f".{os.getpid()}")
    files = [str(path) for path in sources if path.suffix == ".c"]
    ended = subprocess.run(
        [compiler, *_FLAGS, "-o", str(unfinished), *files, *_LIBRARIES], capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        raise BuildFailed(f"The endpoint does not compile (is Debian's libssl-dev installed?):\n{ended.stderr}")
    unfinished.replace(program)
    return program
