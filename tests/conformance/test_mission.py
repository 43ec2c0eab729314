"""The agent's adapter against a Mission: in this process, and over HTTPS in another one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import httpx
import jsonschema_rs
import pytest

from local.certificates import Certificates
from local.mission.control import MissionControl
from local.mission.direct import DirectMission
from local.mission.process import Mission
from local.ports import free_ports
from migrate_agent.network import Network
from migrate_agent.rockrms.mission.adapter import HttpMission
from migrate_agent.rockrms.mission.port import (
    BatchFailed,
    BatchRefused,
    BatchTooLarge,
    Dimension,
    Fund,
    ResultStatus,
)
from migrate_agent.rockrms.mission.schemas import RECORD_SCHEMAS, schema
from migrate_contract.errors import ErrorCode, Fatal, Retryable
from migrate_contract.rockrms import Entity, MissionAccess
from tests.harness.connect_proxy import ConnectProxy
from tests.harness.mission_records import (
    ENVELOPE,
    EXAMPLES,
    FUND,
    INSTALL,
    attendance,
    bodies,
    contribution,
    family,
    name_of,
    person,
    prayer,
)

REPOSITORY = Path(__file__).resolve().parents[2]
CREATED, UPDATED = ResultStatus.CREATED, ResultStatus.UPDATED
UNCHANGED, REFUSED = ResultStatus.UNCHANGED, ResultStatus.REFUSED


class Subject(NamedTuple):
    """A client, and the control of what it talks to."""

    client: HttpMission
    control: MissionControl
    access: MissionAccess
    network: Network


@pytest.fixture(scope="session")
def https_mission(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Mission]:
    """A Mission of this test run, in its own process."""
    folder = tmp_path_factory.mktemp("mission")
    port, control_port = free_ports(2)
    mission = Mission(folder, certificates.ca_file.parent, "mk_of_the_test_run", (port, control_port))
    mission.start()
    try:
        yield mission
    finally:
        mission.stop()


@pytest.fixture(params=["direct", "https"])
def mission(request: pytest.FixtureRequest, certificates: Certificates) -> Iterator[Subject]:
    """An empty Mission that has the general fund."""
    if request.param == "direct":
        direct = DirectMission()
        control, access, network, client = direct.control, direct.access(), Network(), direct.client()
    else:
        process: Mission = request.getfixturevalue("https_mission")
        control = process.control
        control.behave()
        control.clear()
        access = MissionAccess(url=process.url, integration_key=control.issue_key())
        network = Network(ca_file=Path(certificates.ca_file))
        client = HttpMission(access, network)
    client.create_funds(ENVELOPE, [FUND], "fund")
    yield Subject(client, control, access, network)
    client.close()


def test_every_entity_is_created_then_unchanged_then_updated(mission: Subject) -> None:
    for entity, record in EXAMPLES.items():
        first = mission.client.send(entity, ENVELOPE, bodies([record]), f"{entity}-1")
        again = mission.client.send(entity, ENVELOPE, bodies([record]), f"{entity}-2")
        other = {**record, "campus": {"external_id": name_of("Campus", 1), "name": "North"}}
        changed = mission.client.send(entity, ENVELOPE, bodies([other]), f"{entity}-3")
        assert [answer.results[0].status for answer in (first, again, changed)] == [CREATED, UNCHANGED, UPDATED]
        assert first.request_id
        (copy,) = mission.client.lookup(entity, [record["external_id"]])
        assert copy.record == other
        assert copy.batch_key == f"{entity}-3"


def test_what_the_examples_send_and_get_follows_the_schemas() -> None:
    shared = jsonschema_rs.Registry([(name, schema(name)) for name in ("common.json", "fund.json")])
    assert set(RECORD_SCHEMAS) == set(Entity)
    for entity, record in EXAMPLES.items():
        jsonschema_rs.validator_for(schema(RECORD_SCHEMAS[entity]), registry=shared).validate(record)


def test_the_same_key_is_answered_the_same_and_with_another_body_refused(mission: Subject) -> None:
    first = mission.client.send(Entity.PEOPLE, ENVELOPE, bodies([person(1)]), "key")
    again = mission.client.send(Entity.PEOPLE, ENVELOPE, bodies([person(1)]), "key")
    assert again == first
    with pytest.raises(BatchRefused) as refusal:
        mission.client.send(Entity.PEOPLE, ENVELOPE, bodies([person(2)]), "key")
    assert refusal.value.status == 409
    assert mission.control.counts()["people"] == 1


def test_a_record_that_names_what_is_not_there_is_refused_alone(mission: Subject) -> None:
    people = mission.client.send(Entity.PEOPLE, ENVELOPE, bodies([person(1)]), "p")
    assert people.text == ""
    cases = [
        (Entity.FAMILIES, [family(1, [1]), family(2, [9])], "person-reference-missing"),
        (Entity.ATTENDANCE, [attendance(1, 1), attendance(2, 9)], "person-reference-missing"),
        (Entity.ATTENDANCE, [attendance(3, 1), attendance(4, 1, group_external_id=name_of("Group", 9))], "group-ref"),
        (Entity.CONTRIBUTIONS, [contribution(1), contribution(2, fund_external_id="other")], "fund-missing"),
    ]
    for at, (entity, records, code) in enumerate(cases):
        answer = mission.client.send(entity, ENVELOPE, bodies(records), f"case {at}")
        assert [result.status for result in answer.results] == [CREATED, REFUSED]
        refused = answer.results[1]
        assert (refused.code or "").startswith(code)
        assert refused.external_id in answer.text
        assert records[0]["external_id"] not in answer.text


def test_a_record_that_breaks_the_schema_refuses_its_batch(mission: Subject) -> None:
    with pytest.raises(BatchRefused) as refusal:
        mission.client.send(Entity.PEOPLE, ENVELOPE, bodies([person(1), person(2, gender="?")]), "key")
    assert refusal.value.status == 422
    assert "records/1/gender" in refusal.value.answer
    assert refusal.value.request_id
    assert "people" not in mission.control.counts()


def test_the_answer_to_a_refused_prayer_does_not_quote_it(mission: Subject) -> None:
    secret = "my neighbour lost her child in the spring"
    wrong = prayer(1, category="x" * 300, text=secret, answer=secret.upper())
    with pytest.raises(BatchRefused) as refusal:
        mission.client.send(Entity.PRAYER_REQUESTS, ENVELOPE, bodies([wrong]), "key")
    assert "neighbour" not in refusal.value.answer
    assert "records/0/category" in refusal.value.answer


def test_a_body_beyond_the_limit_is_said_to_be_too_large(mission: Subject) -> None:
    mission.control.misbehave(max_bytes=2_000)
    assert mission.client.status().max_bytes == 2_000
    with pytest.raises(BatchTooLarge):
        mission.client.send(Entity.PEOPLE, ENVELOPE, bodies(map(person, range(20))), "key")


def test_a_rotated_key_is_told_apart_from_one_that_may_only_write(mission: Subject) -> None:
    writes = mission.access.model_copy(
        update={"integration_key": mission.control.issue_key(may_read=False, revoke_others=False)}
    )
    if mission.access.url.startswith("https://127"):
        client = HttpMission(writes, mission.network)
        client.send(Entity.PEOPLE, ENVELOPE, bodies([person(1)]), "key")
        with pytest.raises(Fatal) as refused:
            client.counts(INSTALL)
        assert refused.value.code is ErrorCode.MISSION_READBACK_MISSING
        client.close()
    mission.control.issue_key()
    with pytest.raises(Fatal) as revoked:
        mission.client.send(Entity.PEOPLE, ENVELOPE, bodies([person(2)]), "other")
    assert revoked.value.code is ErrorCode.MISSION_KEY_REVOKED
    assert mission.access.integration_key not in str(revoked.value)


def test_faults_come_as_what_they_ask_for(mission: Subject) -> None:
    def send(key: str) -> None:
        mission.client.send(Entity.PEOPLE, ENVELOPE, bodies([person(1)]), key)

    mission.control.misbehave(busy=1.0, retry_after_seconds=7)
    with pytest.raises(Retryable) as busy:
        send("busy")
    assert (busy.value.code, busy.value.retry_after_seconds) == (ErrorCode.MISSION_BUSY, 7.0)
    mission.control.misbehave(poison=[name_of("Person", 1)])
    with pytest.raises(BatchFailed):
        send("poison")
    mission.control.misbehave(drop_after=1.0)
    with pytest.raises(Retryable) as dropped:
        send("dropped")
    assert dropped.value.code is ErrorCode.MISSION_UNREACHABLE
    mission.control.behave()
    again = mission.client.send(Entity.PEOPLE, ENVELOPE, bodies([person(1)]), "dropped")
    assert again.results[0].status is CREATED
    assert mission.control.counts()["people"] == 1


def test_totals_add_up_by_what_is_asked_and_keep_the_cents(mission: Subject) -> None:
    lines = [
        contribution(1, "0.10"),
        contribution(2, "0.20", gift_date="2025-01-01"),
        contribution(3, "-0.30", **{"class": "refund"}),
        contribution(4, "99999999999.99", payment_method=None),
    ]
    mission.client.send(Entity.CONTRIBUTIONS, ENVELOPE, bodies(lines), "key")

    def totals(*by: Dimension, **dates: str) -> list[tuple[tuple[str | None, ...], int, Decimal]]:
        return [tuple(row) for row in mission.client.totals(Entity.CONTRIBUTIONS, INSTALL, by, **dates)]  # type: ignore[misc]

    assert totals() == [((), 4, Decimal("99999999999.99"))]
    assert totals(Dimension.YEAR, Dimension.CLASS) == [
        (("2024", "gift"), 2, Decimal("100000000000.09")),
        (("2024", "refund"), 1, Decimal("-0.30")),
        (("2025", "gift"), 1, Decimal("0.20")),
    ]
    assert [row[0] for row in totals(Dimension.PAYMENT_METHOD)] == [(None,), ("Cash",)]
    assert totals(Dimension.FUND, date_from="2025-01-01") == [((FUND.external_id,), 1, Decimal("0.20"))]


def test_ids_and_copies_show_a_record_that_is_there_twice(mission: Subject) -> None:
    mission.client.send(Entity.PEOPLE, ENVELOPE, bodies(map(person, range(1, 4))), "key")
    doubled = name_of("Person", 2)
    mission.control.double("people", doubled)
    assert list(mission.client.external_ids(Entity.PEOPLE, INSTALL)).count(doubled) == 2
    assert list(mission.client.external_ids(Entity.PEOPLE, INSTALL, after=doubled)) == [name_of("Person", 3)]
    assert len(mission.client.lookup(Entity.PEOPLE, [doubled, name_of("Person", 9)])) == 2
    assert list(mission.client.external_ids(Entity.PEOPLE, "00000000-0000-4000-8000-000000000000")) == []


def test_counts_measure_what_records_hold(mission: Subject) -> None:
    phone = {
        "external_id": name_of("PhoneNumber", 1),
        "type": "mobile",
        "number": "6235550100",
        "country_code": "1",
        "extension": None,
        "is_unlisted": False,
        "messaging_enabled": True,
    }
    people = [person(1, phones=[phone], email="a@b.example"), person(2, birth_date="1980-02-29")]
    mission.client.send(Entity.PEOPLE, ENVELOPE, bodies(people), "p")
    mission.client.send(Entity.FAMILIES, ENVELOPE, bodies([family(1, [1, 2])]), "f")
    counts = mission.client.counts(INSTALL)
    assert counts[Entity.PEOPLE] == {"records": 2, "phones": 1, "emails": 1, "birth_dates": 1, "all_records": 2}
    assert counts[Entity.FAMILIES]["members"] == 2
    assert counts[Entity.CONTRIBUTIONS]["records"] == 0


def test_a_voided_gift_is_in_no_read_back_until_it_is_sent_again(mission: Subject) -> None:
    mission.client.send(Entity.CONTRIBUTIONS, ENVELOPE, bodies([contribution(1), contribution(2)]), "key")
    gone = name_of("FinancialTransactionDetail", 1)
    answer = mission.client.void(ENVELOPE, [gone, name_of("FinancialTransactionDetail", 9)], "void")
    assert [result.status for result in answer.results] == [UPDATED, REFUSED]
    assert mission.client.lookup(Entity.CONTRIBUTIONS, [gone]) == []
    assert mission.client.counts(INSTALL)[Entity.CONTRIBUTIONS]["records"] == 1
    mission.client.send(Entity.CONTRIBUTIONS, ENVELOPE, bodies([contribution(1)]), "again")
    assert len(mission.client.lookup(Entity.CONTRIBUTIONS, [gone])) == 1


def test_funds_are_listed_ours_and_missions_own(mission: Subject) -> None:
    mission.control.add_fund("fund-7", "Building")
    ours = Fund(f"rock:{INSTALL}:FinancialAccount:{INSTALL}", "Missions", parent=FUND.external_id, is_active=False)
    answer = mission.client.create_funds(ENVELOPE, [FUND, ours], "more")
    assert [result.status for result in answer.results] == [UNCHANGED, CREATED]
    assert mission.client.funds() == [FUND, Fund("fund-7", "Building"), ours]


def test_status_names_the_organization_and_another_version_is_refused(mission: Subject) -> None:
    assert mission.client.require_contract().organization == "Grace Community Church"
    mission.control.misbehave(contract_version="2")
    with pytest.raises(Fatal) as refusal:
        mission.client.require_contract()
    assert refusal.value.code is ErrorCode.MISSION_CONTRACT_UNKNOWN


def test_snapshot_and_restore_undo_what_a_test_has_spoilt(mission: Subject) -> None:
    mission.client.send(Entity.PEOPLE, ENVELOPE, bodies([person(1)]), "key")
    mission.control.snapshot()
    mission.control.change("people", name_of("Person", 1), last_name="Other")
    mission.control.delete("people", name_of("Person", 1))
    mission.control.restore()
    assert mission.control.copies("people", name_of("Person", 1)) == [person(1)]


def test_a_certificate_that_is_not_trusted_is_said(https_mission: Mission) -> None:
    client = HttpMission(MissionAccess(url=https_mission.url, integration_key="mk_any_key_of_this"), Network())
    with pytest.raises(Fatal) as refusal:
        client.status()
    assert refusal.value.code is ErrorCode.MISSION_TLS_NOT_TRUSTED
    client.close()


def test_mission_is_reached_through_a_proxy_with_a_password(https_mission: Mission, certificates: Certificates) -> None:
    access = MissionAccess(url=https_mission.url, integration_key=https_mission.control.issue_key())

    def through(proxy: ConnectProxy, password: str) -> HttpMission:
        url = f"http://agent:{password}@127.0.0.1:{proxy.port}"
        return HttpMission(access, Network(ca_file=Path(certificates.ca_file), proxy_url=url))

    with ConnectProxy("agent", "right") as proxy:
        assert through(proxy, "right").status().contract_version == "1"
        assert proxy.tunnels == [https_mission.url.removeprefix("https://")]
        with pytest.raises(Retryable) as refusal:
            through(proxy, "wrong").status()
    assert refusal.value.code is ErrorCode.PROXY_REFUSED
    assert "wrong" not in str(refusal.value)


def test_what_mission_holds_survives_a_restart_and_is_shown_on_a_page(
    tmp_path: Path, certificates: Certificates
) -> None:
    port, control_port = free_ports(2)
    mission = Mission(tmp_path, certificates.ca_file.parent, "mk_of_a_restart", (port, control_port))
    access = MissionAccess(url=mission.url, integration_key="mk_of_a_restart")
    client = HttpMission(access, Network(ca_file=Path(certificates.ca_file)))
    for _ in range(2):
        mission.start()
        try:
            client.send(Entity.PEOPLE, ENVELOPE, bodies([person(1)]), "key")
            page = httpx.get(mission.page_url, trust_env=False).text
        finally:
            mission.stop()
        assert "<td>people</td><td>1</td>" in page
    client.close()


def test_the_mission_of_benchmarks_takes_everything_and_gives_nothing_back() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "local.mission.null", "0"], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    ) as process:
        assert process.stdout is not None
        url = f"http://127.0.0.1:{int(process.stdout.readline())}"
        client = HttpMission(MissionAccess(url=url, integration_key="mk_of_a_benchmark"), Network())
        try:
            assert client.require_contract().max_records == 500
            client.create_funds(ENVELOPE, [FUND], "fund")
            assert client.funds() == [FUND]
            answer = client.send(Entity.PEOPLE, ENVELOPE, bodies(map(person, range(500))), "key")
            assert [result.external_id for result in answer.results] == [name_of("Person", each) for each in range(500)]
            for read in (
                lambda: client.counts(INSTALL),
                lambda: client.lookup(Entity.PEOPLE, [name_of("Person", 1)]),
                lambda: list(client.totals(Entity.CONTRIBUTIONS, INSTALL, [])),
                lambda: list(client.external_ids(Entity.PEOPLE, INSTALL)),
            ):
                with pytest.raises(Fatal) as refusal:
                    read()
                assert refusal.value.code is ErrorCode.MISSION_READBACK_MISSING
        finally:
            client.close()
            process.terminate()
