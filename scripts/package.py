"""Builds the deployment package of the control plane: `python scripts/package.py` (make package).

The zip holds what `.funcignore` lets through of the tracked files, and the one script that npm brings. Azure installs
requirements.txt by itself (remote build).
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

ROOT = Path(__file__).resolve().parents[1]
VENDORED = "functions/dashboard/static/vendor/htmx.min.js"
_STAMP = (1980, 1, 1, 0, 0, 0)
"""The same files give the same zip, whenever it is built."""


def deployed_files(root: Path) -> Iterator[str]:
    """Result: the paths of a deployment, in order, relative to the root."""
    ignored = GitIgnoreSpec.from_lines((root / ".funcignore").read_text(encoding="utf-8").splitlines())
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True).stdout.decode()
    yield from sorted([path for path in listed.split("\0") if path and not ignored.match_file(path)] + [VENDORED])


def build(root: Path, target: Path) -> int:
    """Writes the zip. Result: how many files are in it. Raises FileNotFoundError where `make install` has not run."""
    count = 0
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for path in deployed_files(root):
            entry = zipfile.ZipInfo(path, _STAMP)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            package.writestr(entry, (root / path).read_bytes())
            count += 1
    return count


def main() -> int:
    """The exit code: 1 where something that belongs into the package is missing."""
    target = ROOT / "dist" / "control-plane.zip"
    try:
        count = build(ROOT, target)
    except FileNotFoundError as missing:
        print(f"{missing.filename} is missing: type 'make install' first.", file=sys.stderr)
        return 1
    print(f"{target.relative_to(ROOT)}: {count} files, {target.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
