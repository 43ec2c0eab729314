from __future__ import annotations

import re
from pathlib import Path

from migrate_agent import __version__
from migrate_agent.runtime.machine import disk_free_bytes, machine_facts, machine_id


def test_the_machine_id_is_a_hash_that_stays() -> None:
    assert machine_id() == machine_id()
    assert re.fullmatch(r"[0-9a-f]{32}", machine_id())
    for path in (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id")):
        if path.exists():
            assert path.read_text().strip() != machine_id(), "no serial leaves the machine"


def test_the_facts_fit_on_the_wire() -> None:
    facts = machine_facts("migrate-agent.service")
    assert facts.agent_version == __version__
    assert facts.hostname
    assert facts.os
    assert type(facts).model_validate_json(facts.model_dump_json()) == facts


def test_free_space_of_a_folder_that_is_gone_is_unknown(tmp_path: Path) -> None:
    assert (disk_free_bytes(tmp_path) or 0) > 0
    assert disk_free_bytes(tmp_path / "gone") is None
