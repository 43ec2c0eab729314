"""What goes into a deployment, and how the host is told to run it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from pathspec import GitIgnoreSpec

ROOT = Path(__file__).resolve().parents[2]
DEPLOYED = {"function_app.py", "host.json", "requirements.txt", "functions", "migrate_contract", ".funcignore"}


def test_a_deployment_is_the_app_and_nothing_else():
    ignored = GitIgnoreSpec.from_lines((ROOT / ".funcignore").read_text().splitlines())
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    kept = [path for path in tracked if path and not ignored.match_file(path)]
    assert {path.split("/")[0] for path in kept} == DEPLOYED
    for folder in ("functions", "migrate_contract"):
        assert [path for path in tracked if path.startswith(f"{folder}/")] == [
            path for path in kept if path.startswith(f"{folder}/")
        ]


def test_local_secrets_and_caches_stay_here():
    ignored = GitIgnoreSpec.from_lines((ROOT / ".funcignore").read_text().splitlines())
    for path in ("local.settings.json", ".local/stack.json", ".venv/bin/python", "node_modules/x", ".git/config"):
        assert ignored.match_file(path)


def test_the_host_runs_it_as_agreed():
    host = json.loads((ROOT / "host.json").read_text())
    assert host["version"] == "2.0"
    assert host["functionTimeout"] == "00:10:00"
    assert host["extensions"]["http"] == {"routePrefix": ""}
    assert host["extensions"]["queues"] == {
        "maxPollingInterval": "00:00:02",
        "visibilityTimeout": "00:00:30",
        "batchSize": 16,
        "maxDequeueCount": 5,
    }
