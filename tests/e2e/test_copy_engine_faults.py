"""The copy engine while the network and the service misbehave, on purpose, in front of a real emulator."""

from __future__ import annotations

import itertools
import os
import random
import re
import threading
import time
from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from migrate_agent.network import Network
from migrate_agent.stop import StopKind
from migrate_agent.transfer.access import SasUrlAccess
from migrate_contract.jobs import Bucket, JobPhase, Outcome, WaitReason
from tests.harness.conditions import eventually
from tests.harness.connect_proxy import ConnectProxy
from tests.harness.copy_engine import JOB_ID, QUICK, make_tree
from tests.harness.fault_front import Damage, Drop, Refuse, Seen, Shape, fault_front, scripted

MIB = 1 << 20
BUSY = Refuse(503, "ServerBusy")


def files_for(count: int = 12) -> dict[str, bytes]:
    chance = random.Random(3)
    return {f"f{index:02d}": chance.randbytes(1 + index * 50) for index in range(count)} | {
        "large": chance.randbytes(3 * MIB + 1)
    }


@pytest.fixture
def copy(tmp_path, container, new_copy, front):
    source = make_tree(tmp_path / "source", files_for())
    return new_copy(source, container=container.behind(front.endpoint), transfer={"chunk_size_mib": 1})


def ends_complete(copy, container, files=None):
    result = copy.run()
    assert (result.phase, result.outcome) == (JobPhase.COMPLETED, Outcome.COMPLETE)
    assert container.blobs() == (files if files is not None else files_for())
    assert {row.bucket for row in copy.ledger()} == {Bucket.TRANSFERRED}


@pytest.mark.parametrize("kind", ["put_blob", "put_block", "put_block_list", "list"])
@pytest.mark.parametrize(
    "fault",
    [BUSY, Refuse(500, "InternalError"), Refuse(408), Refuse(429), Drop(), Drop(after=True), Damage()],
    ids=["503", "500", "408", "429", "drop", "drop-after", "damage"],
)
def test_a_fault_now_and_then_costs_retries_only(copy, container, front, kind, fault):
    if isinstance(fault, Damage) and kind in ("list", "put_block_list"):
        pytest.skip("the body is empty, or is XML that the service refuses as such")
    front.script = scripted([fault, None, fault, fault], only=kind)
    ends_complete(copy, container)
    if not isinstance(fault, Drop):  # one on a kept connection is not even noticed
        journal = copy.open_journal()
        assert journal.counters().retries >= 1
        journal.close()


@pytest.mark.parametrize(
    "shape",
    [Shape(chunked=True), Shape(continue_first=True), Shape(close=True), Shape(chunked=True, close=True)],
    ids=["chunked", "100-continue", "close", "chunked-close"],
)
def test_every_form_of_answer_is_understood(copy, container, front, shape):
    front.script = lambda _: shape
    ends_complete(copy, container)


def test_connections_are_kept_alive(copy, container, front):
    copy.transfer["concurrency"] = 4
    ends_complete(copy, container)
    assert len({request.connection for request in front.seen}) <= 5


def test_a_lane_keeps_its_connections_too(copy, container, front):
    copy.settings = replace(QUICK, lanes=2)
    copy.transfer["concurrency"] = 4
    ends_complete(copy, container)
    # Four that send, and the engine's own for listing.
    assert len({request.connection for request in front.seen}) <= 5


def test_connections_that_were_closed_while_idle_go_unnoticed(copy, container, front):
    front.script = lambda request: Shape(close=False)
    closing = {"count": 0}

    def script(request):
        # Closes without saying so: the next request on that connection finds it dead.
        if request.kind == "put_blob" and request.number % 3 == 0:
            closing["count"] += 1
            return Drop(after=True)
        return None

    front.script = script
    ends_complete(copy, container)
    assert closing["count"]


def test_retry_after_is_honoured(copy, container, front):
    front.script = scripted([Refuse(503, "ServerBusy", {"Retry-After": "1"})], only="list")
    began = time.monotonic()
    ends_complete(copy, container)
    assert time.monotonic() - began >= 1


def test_a_file_that_the_service_never_takes_fails_after_its_tries(copy, container, front):
    front.script = lambda request: BUSY if request.name.endswith("f05") and request.kind == "put_blob" else None
    copy.settings = replace(QUICK, max_tries=3, retry_passes=2)
    result = copy.run()
    assert result.outcome is Outcome.COMPLETE_WITH_FAILURES
    row = copy.row("f05")
    assert (row.bucket, row.code, row.tries) == (Bucket.FAILED, "target-busy", 9)
    assert sum(request.name.endswith("f05") and request.kind == "put_blob" for request in front.seen) == 9
    assert len(container.blobs()) == 12


def test_a_refusal_of_one_file_is_that_files(copy, front):
    front.script = lambda request: Refuse(409, "LeaseIdMissing") if request.name.endswith("f05") else None
    assert copy.run().outcome is Outcome.COMPLETE_WITH_FAILURES
    row = copy.row("f05")
    assert (row.code, row.tries) == ("target-refused", 1)
    assert row.detail is not None
    assert "LeaseIdMissing" in row.detail
    assert "as scripted" in row.detail


def test_an_archived_blob_under_a_changed_file_has_its_own_code(copy, front):
    front.script = lambda request: Refuse(409, "BlobArchived") if request.name.endswith("f05") else None
    copy.run()
    assert copy.row("f05").code == "target-archived"


def test_another_writer_during_the_copy_is_not_overwritten(copy, container, front):
    def script(request):
        if request.kind == "put_blob" and request.name.endswith("f05") and "f05" not in container.blobs():
            container.client.upload_blob("f05", b"somebody else's")

    front.script = script
    assert copy.run().outcome is Outcome.COMPLETE_WITH_FAILURES
    assert container.blobs()["f05"] == b"somebody else's"
    assert copy.row("f05").code == "target-exists"


def test_a_lost_network_fails_no_file_and_says_since_when(copy, container, front):
    def script(request):
        if front.count("put_blob") == 4:
            threading.Thread(target=front.down).start()

    front.script = script
    journal = copy.open_journal()
    engine = copy.engine(journal)
    results = []
    thread = threading.Thread(target=lambda: results.append(engine.run()))
    thread.start()
    eventually(
        lambda: engine.snapshot().waiting.reason is WaitReason.NO_CONNECTION,
        seconds=10,
        what="no connection is said",
        every=0.01,
    )
    waiting = engine.snapshot().waiting
    assert re.fullmatch(r"no connection to 127\.0\.0\.1 since \d\d:\d\d UTC \(.*refused\)", waiting.detail)
    assert engine.snapshot().phase is JobPhase.RUNNING
    # Many probes long: tries of a file would have run out.
    time.sleep(25 * QUICK.probe_seconds)
    assert thread.is_alive(), results
    assert engine.snapshot().files.failed == 0
    front.script = lambda _: None
    front.up()
    thread.join(30)
    journal.close()
    assert results[0].outcome is Outcome.COMPLETE
    assert container.blobs() == files_for()
    assert engine.snapshot().waiting.reason is WaitReason.NONE


def test_a_connection_that_always_breaks_under_one_file_ends_that_file_only(copy, container, front):
    front.script = lambda request: Drop() if request.name.endswith("f05") and request.kind == "put_blob" else None
    copy.settings = replace(QUICK, max_tries=3, retry_passes=1)
    assert copy.run().outcome is Outcome.COMPLETE_WITH_FAILURES
    assert copy.row("f05").code == "target-unreachable"
    assert len(container.blobs()) == 12


def test_patience_for_a_connection_can_have_an_end(copy, front):
    front.down()
    copy.settings = replace(QUICK, give_up_after_seconds=0.2)
    result = copy.run()
    assert result.phase is JobPhase.FAILED
    assert result.fault is not None
    assert result.fault.code == "target-unreachable"


def test_an_unknown_authority_ends_at_once_where_a_person_waits(copy, tmp_path):
    copy.settings = replace(QUICK, give_up_after_seconds=3600)
    copy.network = Network()
    result = copy.run()
    assert result.fault is not None
    assert result.fault.code == "tls-not-trusted"


class Renewing:
    """A grant source whose first signatures are worthless."""

    def __init__(self, container, good_from: int) -> None:
        self._container, self._good_from = container, good_from
        self._serial = 0
        self._lock = threading.Lock()
        self._grant = self._make()

    def _make(self):
        grant = SasUrlAccess(self._container.sas_url).current()
        self._serial += 1
        if self._serial < self._good_from:
            grant = grant.model_copy(update={"sas_token": self._container.sas(seconds=-60)})
        return grant

    def current(self):
        return self._grant

    def renew(self, refused, reason):
        assert reason
        with self._lock:
            if refused.sas_token == self._grant.sas_token:
                self._grant = self._make()

    @property
    def renewals(self) -> int:
        return self._serial - 1


def test_an_expired_grant_is_renewed_and_costs_no_file(copy, container, front):
    copy.access = Renewing(copy.container, good_from=3)
    ends_complete(copy, container)
    assert copy.access.renewals == 2
    assert {row.tries for row in copy.ledger()} == {1}


def test_what_a_lane_logs_is_of_its_job_and_shows_no_signature(copy, container, front, caplog):
    copy.settings = replace(QUICK, lanes=2)
    refused = scripted([Refuse(403, "AuthenticationFailed")] * 8, only="put_blob")
    front.script = refused
    copy.access = Renewing(copy.container, good_from=0)
    with caplog.at_level("INFO"):
        ends_complete(copy, container)
    said = [record for record in caplog.records if "a grant was refused" in record.getMessage()]
    assert said
    assert {getattr(record, "job_id", None) for record in said} == {JOB_ID}
    assert "sig=" not in caplog.text


def test_a_grant_that_ends_in_the_middle_is_renewed(copy, container, front):
    access = Renewing(copy.container, good_from=0)
    copy.access = access
    seen = itertools.count()

    def refuse_the_first_one(request: Seen) -> Refuse | None:
        ended = request.kind == "put_blob" and access.renewals == 0 and next(seen) >= 2
        return Refuse(403, "AuthenticationFailed") if ended else None

    front.script = refuse_the_first_one
    ends_complete(copy, container)
    assert 1 <= access.renewals <= 2


def test_access_that_is_denied_for_good_ends_the_job(copy, front):
    copy.access = Renewing(copy.container, good_from=10_000)
    copy.settings = replace(QUICK, access_patience_seconds=3)
    result = copy.run()
    assert result.phase is JobPhase.FAILED
    assert result.fault is not None
    assert result.fault.code == "target-access-denied"
    assert "sig=" not in result.fault.detail


def test_an_expired_url_of_a_person_ends_the_copy_at_once(copy):
    token = copy.container.sas(seconds=-60)
    copy.access = SasUrlAccess(f"{copy.container.sas_url.split('?')[0]}?{token}")
    result = copy.run()
    assert result.fault is not None
    assert result.fault.code == "target-access-denied"
    assert f"until {parse_qs(token)['se'][0]}" in result.fault.detail
    assert parse_qs(token)["sig"][0] not in result.fault.detail


def test_random_faults_from_a_seed_lose_nothing(tmp_path, container, new_copy, certificates):
    for seed in range(4):
        chance = random.Random(seed)
        files = {f"s{seed}-{index:02d}": chance.randbytes(chance.randrange(200_000)) for index in range(25)}
        files[f"s{seed}-large"] = chance.randbytes(2 * MIB + seed)
        source = make_tree(tmp_path / f"source{seed}", files)
        lock = threading.Lock()

        def script(request, chance=chance, lock=lock):
            with lock:
                dice = chance.random()
            if dice > 0.3:
                return None
            bodies = request.kind in ("put_blob", "put_block") and request.body
            faults = [BUSY, Refuse(500), Drop(), Drop(after=True), Shape(close=True), Shape(chunked=True)]
            return faults[int(dice * 20)] if dice > 0.03 or not bodies else Damage()

        with fault_front(certificates, container.account.blob_endpoint, script) as front:
            copy = new_copy(source, container=container.behind(front.endpoint), transfer={"chunk_size_mib": 1})
            result = copy.run()
        assert result.outcome is Outcome.COMPLETE, copy.ledger()
        assert set(copy.buckets().values()) == {"transferred"}
        found = {name: content for name, content in container.blobs().items() if name.startswith(f"s{seed}-")}
        assert found == files


def test_a_slow_stop_is_cut_off_after_its_grace(copy, front):
    front.script = lambda request: Shape(delay_seconds=20) if request.kind == "put_blob" else None
    copy.settings = replace(QUICK, stop_grace_seconds=0.3)
    journal = copy.open_journal()
    engine = copy.engine(journal)
    thread = threading.Thread(target=engine.run)
    thread.start()
    eventually(lambda: front.count("put_blob"), seconds=10, what="an upload has begun", every=0.01)
    began = time.monotonic()
    copy.stop.request(StopKind.PAUSE)
    thread.join(10)
    assert time.monotonic() - began < 5
    assert not thread.is_alive()
    assert engine.snapshot().phase is JobPhase.PAUSED
    journal.close()


def test_a_source_that_goes_away_fails_the_job_not_the_files(tmp_path, container, new_copy, front):
    source = make_tree(tmp_path / "source", {f"f{index:03d}": os.urandom(100) for index in range(80)})

    def script(request):
        if front.count("put_blob") == 5 and source.exists():
            source.rename(tmp_path / "gone")

    front.script = script
    copy = new_copy(source, container=container.behind(front.endpoint))
    result = copy.run()
    assert result.phase is JobPhase.FAILED
    assert result.fault is not None
    assert result.fault.code == "source-not-found"
    journal = copy.open_journal()
    assert journal.counters().files.failed == 0
    journal.close()


def test_through_a_proxy_with_a_password(copy, container, front):
    with ConnectProxy("user", "p@ss") as proxy:
        copy.network = Network(ca_file=container.ca_file, proxy_url=f"http://user:p%40ss@127.0.0.1:{proxy.port}")
        ends_complete(copy, container)
    assert set(proxy.tunnels) == {front.endpoint.split("/")[2]}


def test_a_proxy_that_refuses_is_no_connection_and_has_its_code(copy, container):
    with ConnectProxy("user", "right") as proxy:
        copy.network = Network(ca_file=container.ca_file, proxy_url=f"http://user:wrong@127.0.0.1:{proxy.port}")
        copy.settings = replace(QUICK, give_up_after_seconds=0.1)
        result = copy.run()
    assert result.fault is not None
    assert result.fault.code == "proxy-refused"
    assert "407" in result.fault.detail
    assert "wrong" not in result.fault.detail


def test_a_full_disk_under_the_journal_is_waited_for(tmp_path, container, new_copy, front):
    """SQLite's own limit on the file's size stands for the disk's end."""
    files = {f"{index:03d}" + "x" * 150: b"1" for index in range(150)}
    copy = new_copy(make_tree(tmp_path / "many", files), container=container.behind(front.endpoint))
    journal = copy.open_journal()
    database = journal._db
    engine = copy.engine(journal)

    def script(request):
        if request.kind == "put_blob" and front.count("put_blob") == 1:
            pages = database.execute("PRAGMA page_count").fetchone()[0]
            database.execute(f"PRAGMA max_page_count = {pages}")

    front.script = script
    results = []
    thread = threading.Thread(target=lambda: results.append(engine.run()))
    thread.start()
    eventually(
        lambda: "no space left" in engine.snapshot().waiting.detail,
        seconds=20,
        what="the full disk is said",
        every=0.01,
    )
    time.sleep(0.3)
    assert thread.is_alive()
    database.execute("PRAGMA max_page_count = 1000000")
    thread.join(30)
    journal.close()
    assert results[0].outcome is Outcome.COMPLETE
    assert container.blobs() == files
    assert {row.bucket for row in copy.ledger()} == {Bucket.TRANSFERRED}
