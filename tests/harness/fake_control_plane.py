"""A control plane for the agent's tests: the wire's agent calls over a real socket, one agent, everything in memory.

It keeps the promises of the real one that the agent relies on: a code redeemed again by the same install gives the
same agent, commands are repeated until their result is posted, an accepted start is an assignment, a newer process
supersedes the older, progress that is old is not applied. Faults are asked for: `lose` drops the connection after the
work is done, `refuse` answers a problem, `stop` and `start` are an outage on the same port.
"""

from __future__ import annotations

import contextlib
import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from migrate_contract.agents import (
    AGENT_KEY_HEADER,
    CORRELATION_HEADER,
    SESSION_HEADER,
    AgentCheckAnswer,
    Assignment,
    HealthAnswer,
    HeartbeatRequest,
    HeartbeatResponse,
    RegisterRequest,
    RegisterResponse,
    RotateKeyResponse,
)
from migrate_contract.commands import Command, CommandKind, CommandResult, CommandResultAnswer, CommandStatus
from migrate_contract.errors import CATALOGUE, ErrorCode
from migrate_contract.jobs import (
    Grant,
    GrantRequest,
    JobPhase,
    JobSpec,
    JobState,
    LedgerAnswer,
    LedgerChunk,
    LedgerRow,
    Progress,
    ProgressAnswer,
)
from migrate_contract.problem import PROBLEM_CONTENT_TYPE, problem_for
from migrate_contract.schedule import LimitSet
from migrate_contract.wire import WireModel

ORGANIZATION, AGENT, CLIENT = "acme", "agt_000000000001", "cli_000000000001"


class Refusal(Exception):
    """Answered as a problem document."""

    def __init__(self, code: ErrorCode, detail: str = "said the test") -> None:
        self.code, self.detail = code, detail
        super().__init__(code.value)


class FakeControlPlane:
    """`with FakeControlPlane() as plane:`; `plane.url` is its address."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.interval = 0.1
        self.codes: dict[str, str | None] = {"ABCD2345": None}
        self.keys: list[str] = []
        self.epoch = 0
        self.instances: dict[str, int] = {}
        self.rotate = False
        self.rotations = 0
        self.proceed = True
        self.wish: str | None = None
        self.limits = LimitSet()
        self.commands: dict[str, Command] = {}
        self.assignments: dict[str, int] = {}
        self.heartbeats: list[HeartbeatRequest] = []
        self.progress: dict[str, list[Progress]] = defaultdict(list)
        self.results: list[tuple[str, CommandResult]] = []
        self.ledger: dict[str, dict[int, LedgerRow]] = defaultdict(dict)
        self.grants: list[str] = []
        self.grant_seconds = 3600.0
        self.container_url = "http://127.0.0.1:9/container"
        self.retired = False
        self.clock_off = timedelta(0)
        self.calls: list[str] = []
        self.correlation_ids: list[str] = []
        self._lost: dict[str, int] = defaultdict(int)
        self._refused: dict[str, list[tuple[ErrorCode, str]]] = defaultdict(list)
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    # The server

    def __enter__(self) -> FakeControlPlane:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listens, on the same port as before."""
        plane = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                plane._handle(self)

            def do_GET(self) -> None:
                plane._handle(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True
            connections: set[Any] = set()

            def get_request(self) -> Any:
                connection, address = super().get_request()
                self.connections.add(connection)
                return connection, address

        Server.connections = set()
        self._server = Server(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """An outage: no listener, and every open connection is cut."""
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        for connection in self._server.connections:  # type: ignore[attr-defined]
            with contextlib.suppress(OSError):
                connection.shutdown(2)
        self._server = None

    # What tests ask for

    def lose(self, path: str, times: int = 1) -> None:
        """The next `times` answers to calls whose path ends so are lost on the way; the work is done."""
        self._lost[path] += times

    def refuse(self, path: str, code: ErrorCode, detail: str = "said the test", times: int = 1) -> None:
        """The next `times` calls whose path ends so are refused."""
        self._refused[path] += [(code, detail)] * times

    def send(self, kind: str, *, job: JobSpec | None = None, number: int = 1, job_id: str | None = None) -> str:
        """Result: the id of a new command."""
        command = Command(
            command_id=f"cmd_{kind}-{number}",
            kind=kind,
            job_id=job.job_id if job else job_id,
            attempt=job.attempt if job else 1,
            spec=job if kind == CommandKind.START_JOB else None,
            issued_at=datetime.now(UTC),
        )
        with self.lock:
            self.commands[command.command_id] = command
        return command.command_id

    def phases(self, job_id: str) -> list[JobPhase]:
        """Result: the phases reported, repeats left out."""
        with self.lock:
            found: list[JobPhase] = []
            for report in self.progress[job_id]:
                if not found or found[-1] is not report.phase:
                    found.append(report.phase)
            return found

    def supersede(self) -> None:
        """Another process of this agent has sent its first heartbeat."""
        with self.lock:
            self.epoch += 1

    # Requests

    def _handle(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", "0")))
        ending = request.path.rsplit("/", 1)[-1]
        status, kind = 200, "application/json"
        with self.lock:
            self.calls.append(request.path)
            self.correlation_ids.append(request.headers.get(CORRELATION_HEADER, ""))
            try:
                if self._refused[ending]:
                    raise Refusal(*self._refused[ending].pop(0))
                answer = self._route(request.path, body, request.headers)
                content = answer.model_dump_json().encode() if answer else b"{}"
            except Refusal as refusal:
                problem = problem_for(refusal.code, refusal.detail, "test-correlation")
                status, kind, content = CATALOGUE[refusal.code].status, PROBLEM_CONTENT_TYPE, b""
                content = problem.model_dump_json().encode()
            lost = self._lost[ending] > 0
            self._lost[ending] -= 1 if lost else 0
        if lost:
            request.close_connection = True
            request.connection.shutdown(2)
            return
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def _route(self, path: str, body: bytes, headers: Any) -> WireModel | None:
        parts = path.strip("/").split("/")[2:]
        if path == "/api/health":
            return HealthAnswer(
                status="ok", version="0.0.0", protocol_version=1, time=datetime.now(UTC) + self.clock_off
            )
        if parts == ["register"]:
            return self._register(RegisterRequest.model_validate_json(body))
        if headers.get(AGENT_KEY_HEADER) not in self.keys:
            raise Refusal(ErrorCode.AGENT_KEY_INVALID, "no such key")
        if self.retired:
            raise Refusal(ErrorCode.AGENT_REVOKED, "revoked by the test")
        if parts == ["heartbeat"]:
            return self._heartbeat(HeartbeatRequest.model_validate_json(body))
        if parts == ["check"]:
            return AgentCheckAnswer(agent_id=AGENT, agent_name="agent 1", server_time=datetime.now(UTC))
        if parts == ["unregister"]:
            self.retired = True
            return None
        if int(headers[SESSION_HEADER]) < self.epoch:
            raise Refusal(ErrorCode.SESSION_SUPERSEDED, "a newer process beats")
        in_session: dict[str, Callable[[], WireModel]] = {
            "rotate-key": self._rotate_key,
            "progress": lambda: self._progress(parts[1], Progress.model_validate_json(body)),
            "grant": lambda: self._grant(parts[1], GrantRequest.model_validate_json(body)),
            "ledger": lambda: self._ledger(parts[1], LedgerChunk.model_validate_json(body)),
            "result": lambda: self._result(parts[1], CommandResult.model_validate_json(body)),
        }
        return in_session[parts[-1]]()

    def _register(self, body: RegisterRequest) -> RegisterResponse:
        code = body.code.upper().replace("-", "")
        if code not in self.codes:
            raise Refusal(ErrorCode.REGISTRATION_CODE_UNKNOWN, "no such code")
        if self.codes[code] not in (None, body.install_id):
            raise Refusal(ErrorCode.REGISTRATION_CODE_USED, "used by another install")
        self.codes[code] = body.install_id
        self.keys.append(f"{ORGANIZATION}.{AGENT}.secret-number-{len(self.keys)}-of-this-agent")
        return RegisterResponse(
            organization_id=ORGANIZATION,
            client_id=CLIENT,
            client_name="Grace Chapel",
            agent_id=AGENT,
            agent_name=body.name or body.machine.hostname,
            agent_key=self.keys[-1],
            heartbeat_interval_seconds=self.interval,
        )

    def _heartbeat(self, body: HeartbeatRequest) -> HeartbeatResponse:
        self.heartbeats.append(body)
        if body.session_epoch is None:
            if body.instance_id not in self.instances:
                self.epoch += 1
                self.instances[body.instance_id] = self.epoch
        elif body.session_epoch < self.epoch:
            raise Refusal(ErrorCode.SESSION_SUPERSEDED, "a newer process beats")
        return HeartbeatResponse(
            server_time=datetime.now(UTC),
            session_epoch=self.instances[body.instance_id],
            next_heartbeat_seconds=self.interval,
            commands=list(self.commands.values()),
            assignments=[Assignment(job_id=job, attempt=attempt) for job, attempt in self.assignments.items()],
            rotate_key=self.rotate,
            limits=self.limits if self.limits.version != body.limits_version else None,
        )

    def _rotate_key(self) -> RotateKeyResponse:
        self.rotations += 1
        self.keys.append(f"{ORGANIZATION}.{AGENT}.rotated-secret-number-{len(self.keys)}")
        return RotateKeyResponse(agent_key=self.keys[-1], old_key_valid_seconds=60.0)

    def _progress(self, job_id: str, body: Progress) -> ProgressAnswer:
        earlier = self.progress[job_id]
        newest = max((report.sequence for report in earlier if report.attempt == body.attempt), default=-1)
        applied = body.sequence > newest
        if applied:
            earlier.append(body)
        if body.phase in (JobPhase.COMPLETED, JobPhase.FAILED, JobPhase.CANCELLED, JobPhase.LOST):
            self.assignments.pop(job_id, None)
        return ProgressAnswer(applied=applied, state=JobState.RUNNING, wish=self.wish)  # type: ignore[arg-type]

    def _grant(self, job_id: str, body: GrantRequest) -> Grant:
        self.grants.append(job_id)
        return Grant(
            container_url=self.container_url,
            sas_token=f"sv=2024&sp=cwlr&sig=signature-number-{len(self.grants)}-of-the-test",
            seconds_left=self.grant_seconds,
            renew_in_seconds=self.grant_seconds / 2,
        )

    def _ledger(self, job_id: str, body: LedgerChunk) -> LedgerAnswer:
        rows = self.ledger[job_id]
        rows.update({row.row: row for row in body.rows})
        return LedgerAnswer(next_row=max(rows) + 1)

    def _result(self, command_id: str, body: CommandResult) -> CommandResultAnswer:
        self.results.append((command_id, body))
        command = self.commands.pop(command_id, None)
        if command is not None and command.spec is not None and body.status is CommandStatus.ACCEPTED and self.proceed:
            self.assignments[command.spec.job_id] = command.spec.attempt
        return CommandResultAnswer(proceed=self.proceed)
