"""Imports in a world of memory: a project with both connections, a job that its agent runs, and what agents post."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from functions.domain.caller import OperatorCaller
from functions.domain.import_settings import ImportBody
from functions.domain.rockrms_views import MissionConnectionBody
from functions.domain.views import JobCreate, JobView
from migrate_contract.jobs import JobPhase, JobType
from migrate_contract.rockrms import (
    BridgeLine,
    Entity,
    EntityProgress,
    EntityResult,
    Evidence,
    HeldConnection,
    ImportLogChunk,
    ImportLogRow,
    ImportReport,
    LogKind,
    MoneyTotals,
    ReconciliationRow,
    RockShown,
    Stage,
    Verdict,
)
from migrate_contract.sealing_format import write_key
from tests.memory.world import ADMIN, AgentHand, World

MISSION_URL = "https://mission.example"
MISSION_KEY = "integration-key-of-st-mary"
PRIVATE_KEY = X25519PrivateKey.from_private_bytes(b"p" * 32)
SEALING_KEY = write_key(PRIVATE_KEY.public_key().public_bytes_raw())


def connect_mission(world: World, project_id: str, caller: OperatorCaller = ADMIN, **fields: str) -> None:
    body = MissionConnectionBody.model_validate({"url": MISSION_URL, "integration_key": MISSION_KEY, **fields})
    world.services.missions.connect(caller, project_id, body)


def held(project_id: str) -> HeldConnection:
    """What an agent's heartbeat says of the connection that it keeps."""
    shown = RockShown(server="sql01", port=1433, database="Rock", user="reader")
    return HeldConnection(project_id=project_id, shown=shown, kept_in="file")


def import_body(**changes: Any) -> ImportBody:
    return ImportBody.model_validate({"time_zone": "America/Chicago", **changes})


def new_import(world: World, project_id: str, caller: OperatorCaller = ADMIN, **fields: Any) -> JobView:
    body = JobCreate(project_id=project_id, name="Church", type=JobType.ROCKRMS_IMPORT, rockrms=import_body())
    return world.services.jobs.create(caller, body.model_copy(update=fields))


@dataclass
class RunningImport:
    """A client with an online agent that keeps the connection, and one import that it has taken."""

    world: World
    client_id: str
    project_id: str
    agent: AgentHand
    job_id: str

    @property
    def job(self) -> JobView:
        return self.world.job(self.job_id)

    def post(self, report: ImportReport) -> None:
        self.world.services.imports.put_report(self.agent.caller(), self.job_id, report)

    def log(self, *rows: ImportLogRow, attempt: int = 1) -> int:
        """Ships rows; the answer is the number that is expected next."""
        chunk = ImportLogChunk(attempt=attempt, rows=list(rows))
        return self.world.services.import_logs.append(self.agent.caller(), self.job_id, chunk).next_row

    def complete(self, *entities: EntityProgress) -> None:
        self.agent.report(self.job, JobPhase.COMPLETED, entities=list(entities), scan_complete=True)


def taken_import(world: World | None = None, **fields: Any) -> RunningImport:
    """An import that its agent has acknowledged."""
    world = world or World()
    client_id = world.client()
    agent = world.online_agent(client_id)
    project_id = world.project(client_id, connected=False)
    connect_mission(world, project_id)
    agent.beat(rock_connections=[held(project_id)], sealing_key=SEALING_KEY)
    job = new_import(world, project_id, **fields)
    world.drain()
    agent.take(job)
    return RunningImport(world, client_id, project_id, agent, job.job_id)


def running_import(world: World | None = None, **fields: Any) -> RunningImport:
    """An import that its agent is running."""
    running = taken_import(world, **fields)
    running.agent.report(running.job, JobPhase.SCANNING)
    running.agent.report(running.job, JobPhase.RUNNING)
    return running


def report_of(world: World, *, match: bool | None = True, **changes: Any) -> ImportReport:
    """A report with one row of each kind."""
    verdict = Verdict.DIFFERS if match is False else Verdict.MATCH
    report = ImportReport(
        attempt=1,
        stage=Stage.VERIFIED,
        evidence=Evidence.MISSION,
        financial_match=match,
        quality_score=99.9 if match else 98.0,
        entities=[EntityResult(entity=Entity.CONTRIBUTIONS, in_scope=3, imported=3, source=3, mission=3)],
        rows=[
            ReconciliationRow(
                entity=Entity.CONTRIBUTIONS,
                measure="net",
                key="fund|2024",
                label="=General, 2024",
                source_value="12.30",
                target_value="12.30" if match else "12.29",
                difference="0.00" if match else "-0.01",
                verdict=verdict,
                evidence=Evidence.MISSION,
                records=[] if match else ["rock:x:FinancialTransactionDetail:7: amount"],
            )
        ],
        bridge=[BridgeLine(code="all-time", label="Rock all time", count=4, amount="20.00")],
        totals=MoneyTotals(gross="12.30", net="12.30", gifts=3),
        ledger_sha256="a" * 64,
        started_at=world.clock(),
        finished_at=world.clock(),
    )
    return report.model_copy(update=changes)


def log_row(number: int, world: World, **changes: Any) -> ImportLogRow:
    row = ImportLogRow(
        row=number,
        kind=LogKind.ERRORED,
        entity=Entity.CONTRIBUTIONS,
        source_table="FinancialTransactionDetail",
        source_id=number,
        external_id=f"rock:x:FinancialTransactionDetail:{number}",
        code="mission-batch-refused",
        detail="Refused.",
        at=world.clock(),
    )
    return row.model_copy(update=changes)


def counted(entity: Entity = Entity.CONTRIBUTIONS, **parts: int) -> EntityProgress:
    return EntityProgress.model_validate({"entity": entity, "in_scope": sum(parts.values()), **parts})


def unsealed(sealed: str, bound_to: bytes) -> str:
    """What the agent makes of a sealed text, by a construction of our own over the cryptography package."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    content = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
    version, public, nonce, ciphertext = content[0], content[1:33], content[33:45], content[45:]
    assert version == 1
    shared = PRIVATE_KEY.exchange(X25519PublicKey.from_public_bytes(public))
    salt = public + PRIVATE_KEY.public_key().public_bytes_raw()
    key = HKDF(SHA256(), 32, salt=salt, info=b"onemigrate sealed connection 1").derive(shared)
    return ChaCha20Poly1305(key).decrypt(nonce, ciphertext, bound_to).decode()
