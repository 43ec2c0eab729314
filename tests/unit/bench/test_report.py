"""Medians, ratios and verdicts, and the pages they are written into."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench import sweep
from bench.clients import CLIENTS, TUNED, Options
from bench.report import PAGE, Outcome, as_json, as_markdown, verdicts, with_section
from bench.rounds import RunResult, quarters
from bench.scenarios import SCENARIOS

RUN = RunResult(
    client="agent",
    files=1000,
    size_bytes=100 << 20,
    wall_seconds=10.0,
    endpoint_seconds=8.0,
    cpu_seconds=5.0,
    endpoint_cpu_seconds=1.0,
    peak_rss_bytes=150 << 20,
    peak_pss_bytes=120 << 20,
    read_bytes=0,
    requests=1000,
    first_write_seconds=0.5,
    rss_quarters=(100 << 20, 110 << 20, 110 << 20, 111 << 20),
)
ABOUT = {"cores": 2, "processor": "P", "memory_gib": 4, "load_before": 0.1, "at": "2026-11-25T00:00:00+00:00"}


def outcome(name: str, **walls: list[float]) -> Outcome:
    runs = {
        client: [replace(RUN, client=client, wall_seconds=each, endpoint_seconds=each * 0.8) for each in seconds]
        for client, seconds in walls.items()
    }
    return Outcome(SCENARIOS[name], dict.fromkeys(walls, "1.0"), runs)


def ratio_of(found: Outcome) -> tuple[float, str]:
    ratio = found.ratio("wall")
    assert ratio is not None
    return round(ratio[0], 3), ratio[1]


def test_the_better_peer_is_the_one_to_beat() -> None:
    found = outcome("small", azcopy=[50.0, 30.0, 31.0], rclone=[40.0, 41.0, 42.0], agent=[10.0, 99.0, 10.0])
    assert ratio_of(found) == (3.1, "azcopy")
    assert verdicts(found)[0] == "met: 3.10 times azcopy by wall time (aim 2)"


def test_an_aim_against_one_peer_names_it() -> None:
    found = outcome("small-30ms", azcopy=[50.0], rclone=[20.0], agent=[11.0])
    assert ratio_of(found) == (4.545, "azcopy")
    assert verdicts(found)[0].startswith("MISSED: 4.55 times azcopy")


def test_memory_beyond_its_bound_is_a_miss() -> None:
    found = outcome("small", azcopy=[50.0], rclone=[40.0], agent=[10.0])
    assert any(said.startswith("met: 150 MiB") for said in verdicts(found))
    heavy = replace(found, runs={**found.runs, "agent": [replace(RUN, peak_rss_bytes=201 << 20)]})
    assert any(said.startswith("MISSED: 201 MiB") for said in verdicts(heavy))


def test_a_scan_is_judged_by_its_first_upload_and_its_memory() -> None:
    flat = outcome("scan", agent=[10.0])
    assert [said.partition(":")[0] for said in verdicts(flat)] == ["met", "met", "met"]
    growing = replace(RUN, first_write_seconds=1.5, rss_quarters=(100, 100, 150, 200))
    assert [said.partition(":")[0] for said in verdicts(replace(flat, runs={"agent": [growing]}))] == [
        "met",
        "MISSED",
        "MISSED",
    ]


def test_one_client_alone_has_no_ratio() -> None:
    assert outcome("small", agent=[10.0]).ratio("wall") is None
    assert outcome("small", rclone=[10.0]).ratio("wall") is None


def test_quarters_are_medians() -> None:
    assert quarters([1, 9, 2, 2, 3, 3, 4, 40, 4, 4, 4, 4]) == (2, 3, 4, 4)
    assert quarters([1] * 7) == ()


def test_a_section_replaces_what_was_between_its_marks() -> None:
    page = "a\n<!-- begin small -->\nold\n<!-- end small -->\nb\n<!-- begin scan -->\nkept\n<!-- end scan -->\n"
    written = with_section(page, "small", "new\n")
    assert written == page.replace("old", "new")
    with pytest.raises(ValueError, match="rerun"):
        with_section(page, "rerun", "new\n")


def test_the_page_has_a_place_for_every_scenario() -> None:
    page = PAGE.read_text("utf-8")
    for name in SCENARIOS:
        assert f"<!-- begin {name} -->" in with_section(page, name, "x\n")


def test_json_and_markdown_have_every_client() -> None:
    found = outcome("large-1", azcopy=[50.0], rclone=[40.0], agent=[10.0])
    parsed = json.loads(as_json([found], ABOUT))
    assert set(parsed["scenarios"][0]["runs"]) == {"azcopy", "rclone", "agent"}
    assert "| agent 1.0 | 10.0 (10.0-10.0) | 10 MiB/s | 12 MiB/s |" in as_markdown(found, ABOUT)


def test_the_fixed_settings_are_written_down_and_were_swept() -> None:
    page = (Path(sweep.__file__).parent / "peers.md").read_text("utf-8")
    tried = {(each.client, each.scenario, str(each.options)) for each in sweep.candidates()}
    for (client, work), options in TUNED.items():
        assert f"| {client} | {work} | `{options}` |" in page
        assert (client, work, str(options)) in tried, f"{client} {work}: {options} is no candidate of the sweep"


def test_a_scaled_scenario_has_fewer_files_of_the_same_kind() -> None:
    small = SCENARIOS["small"].scaled(0.05)
    assert (small.tree.files, small.title) == (15_000, "15,000 files of 1-32 KiB")
    huge = SCENARIOS["large-1"].scaled(0.1)
    assert (huge.copies, huge.title) == (1, "one file of 409 MiB, copied 1 times a run")
    assert SCENARIOS["small"].scaled(1) is SCENARIOS["small"]


def test_a_client_on_request_is_measured_when_named() -> None:
    far = SCENARIOS["small-30ms"]
    assert far.wanted(None) == ["azcopy", "agent"]
    assert far.wanted(["rclone"]) == ["rclone"]
    assert far.wanted(["agent", "azcopy", "rclone"]) == ["azcopy", "agent", "rclone"]


def test_settings_read_like_a_command_line() -> None:
    assert str(Options(("--a",), {"B": "1"})) == "B=1 --a"
    assert str(Options()) == "(defaults)"
    assert set(CLIENTS) == {"azcopy", "rclone", "agent"}
