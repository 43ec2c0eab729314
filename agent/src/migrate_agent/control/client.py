"""The control plane's agent API: every URL of it lives here.

Each call is one request and either the parsed answer or an error of the catalogue (control/answers.py); nothing is
repeated here. Safe for all threads; the heartbeat still gets a client of its own, so that nothing can queue before it.
"""

from __future__ import annotations

import logging
import platform
import secrets
import ssl
from typing import TypeVar
from urllib.parse import quote, urlsplit

import httpx
from pydantic import ValidationError

from migrate_agent import __version__
from migrate_agent.control.answers import FENCED, Unreachable, network_fault, refusal
from migrate_agent.control.session import Session
from migrate_agent.identity import KeyRing
from migrate_contract.agents import (
    AGENT_KEY_HEADER,
    CORRELATION_HEADER,
    SESSION_HEADER,
    AgentCheckAnswer,
    AgentCheckRequest,
    HeartbeatRequest,
    HeartbeatResponse,
    RegisterRequest,
    RegisterResponse,
    RotateKeyRequest,
    RotateKeyResponse,
)
from migrate_contract.commands import CommandResult, CommandResultAnswer
from migrate_contract.errors import ErrorCode, MigrateError
from migrate_contract.jobs import (
    FailedFilesAnswer,
    FailedFilesRequest,
    Grant,
    GrantPurpose,
    GrantRequest,
    LedgerAnswer,
    LedgerChunk,
    Progress,
    ProgressAnswer,
)
from migrate_contract.rockrms import (
    CommandMissionRequest,
    ImportLogChunk,
    ImportReport,
    ImportReportAnswer,
    MissionAccess,
    MissionAccessRequest,
)
from migrate_contract.wire import WireModel

log = logging.getLogger(__name__)

_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 30.0
_KEY_REFUSED = frozenset({ErrorCode.AGENT_KEY_INVALID, ErrorCode.AGENT_KEY_EXPIRED})

Model = TypeVar("Model", bound=WireModel)


class ControlClient:
    """One connection pool to one control plane. `keys` and `session` may be absent for registration."""

    def __init__(
        self,
        api_url: str,
        *,
        context: ssl.SSLContext,
        proxy: str | None,
        keys: KeyRing | None = None,
        session: Session | None = None,
        answer_seconds: float = _ANSWER_SECONDS,
    ) -> None:
        self._keys, self._session = keys, session
        parts = urlsplit(api_url)
        self.host = parts.hostname or api_url
        """For messages: who did not answer."""
        self._http = httpx.Client(
            base_url=api_url,
            verify=context,
            proxy=proxy,
            trust_env=False,
            timeout=httpx.Timeout(answer_seconds, connect=_CONNECT_SECONDS),
            follow_redirects=False,
            headers={"User-Agent": f"migrate-agent/{__version__} ({platform.system()}; Python)"},
        )

    def close(self) -> None:
        """Ends its connections."""
        self._http.close()

    def register(self, request: RegisterRequest) -> RegisterResponse:
        """Result: the agent that the code made, with its key. The same install within 15 minutes gets it again."""
        return self._post("/api/agent/register", request, RegisterResponse, signed=False, in_session=False)

    def heartbeat(self, request: HeartbeatRequest) -> HeartbeatResponse:
        """Result: commands, assignments and the time of the next one."""
        return self._post("/api/agent/heartbeat", request, HeartbeatResponse, in_session=False)

    def rotate_key(self) -> RotateKeyResponse:
        """Result: the new key; the old one stays valid for a while."""
        return self._post("/api/agent/rotate-key", RotateKeyRequest(), RotateKeyResponse)

    def post_progress(self, job_id: str, progress: Progress) -> ProgressAnswer:
        """Result: what the control plane made of it, and an operator's wish."""
        return self._post(f"/api/agent/jobs/{quote(job_id)}/progress", progress, ProgressAnswer)

    def request_grant(self, job_id: str, attempt: int, purpose: GrantPurpose = GrantPurpose.COPY) -> Grant:
        """Result: access to the job's container for at most an hour."""
        body = GrantRequest(attempt=attempt, purpose=purpose)
        return self._post(f"/api/agent/jobs/{quote(job_id)}/grant", body, Grant)

    def failed_files(self, job_id: str, request: FailedFilesRequest) -> FailedFilesAnswer:
        """Result: a page of the files that an attempt is about which retries failed ones."""
        return self._post(f"/api/agent/jobs/{quote(job_id)}/failed-files", request, FailedFilesAnswer)

    def post_ledger(self, job_id: str, chunk: LedgerChunk) -> LedgerAnswer:
        """Result: the row that the control plane expects next."""
        content = chunk.model_dump_json(exclude_defaults=True).encode()
        return self._post(f"/api/agent/jobs/{quote(job_id)}/ledger", chunk, LedgerAnswer, content=content)

    def mission_access(self, job_id: str, attempt: int) -> MissionAccess:
        """Result: how to reach Mission, for this attempt; kept in memory only."""
        return self._post(
            f"/api/agent/jobs/{quote(job_id)}/mission", MissionAccessRequest(attempt=attempt), MissionAccess
        )

    def post_import_log(self, job_id: str, chunk: ImportLogChunk) -> LedgerAnswer:
        """Result: the row that the control plane expects next."""
        content = chunk.model_dump_json(exclude_defaults=True).encode()
        return self._post(f"/api/agent/jobs/{quote(job_id)}/import-log", chunk, LedgerAnswer, content=content)

    def post_import_report(self, job_id: str, report: ImportReport) -> ImportReportAnswer:
        """Result: the report is kept."""
        return self._post(f"/api/agent/jobs/{quote(job_id)}/import-report", report, ImportReportAnswer)

    def mission_of_command(self, command_id: str) -> MissionAccess:
        """Result: how to reach Mission, for a command that tests it or traces a record; kept in memory only."""
        path = f"/api/agent/commands/{quote(command_id)}/mission"
        return self._post(path, CommandMissionRequest(), MissionAccess)

    def post_result(self, command_id: str, result: CommandResult) -> CommandResultAnswer:
        """Result: whether to go on with the command."""
        path = f"/api/agent/commands/{quote(command_id)}/result"
        return self._post(path, result, CommandResultAnswer)

    def check(self) -> AgentCheckAnswer:
        """Result: who this agent is to the control plane; nothing there changes."""
        return self._post("/api/agent/check", AgentCheckRequest(), AgentCheckAnswer, in_session=False)

    def unregister(self) -> None:
        """Result: the control plane has retired this agent and its key."""
        self._exchange("/api/agent/unregister", b"{}", signed=True, in_session=False)

    def _post(
        self,
        path: str,
        body: WireModel,
        answer: type[Model],
        *,
        signed: bool = True,
        in_session: bool = True,
        content: bytes | None = None,
    ) -> Model:
        """Result: the answer to the body, or to `content` where it is written in another way (as a ledger is)."""
        sent = body.model_dump_json().encode() if content is None else content
        received = self._exchange(path, sent, signed=signed, in_session=in_session)
        try:
            return answer.model_validate_json(received)
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, found["loc"])) or "the body" for found in error.errors()[:3])
            raise Unreachable(f"{self.host} answered {path} with something else than agreed ({fields})") from None

    def _exchange(self, path: str, content: bytes, *, signed: bool, in_session: bool) -> bytes:
        """One POST, with what a refusal of the key or of this process means for all threads.

        A refused key is tried once more with the one before the last rotation; every other refusal of this process
        ends the session.
        """
        headers = {"Content-Type": "application/json"}
        if in_session and self._session is not None:
            headers[SESSION_HEADER] = str(self._session.epoch())
        keys = self._keys if signed else None
        if keys is None:
            return self._send(path, content, headers)
        key = keys.key
        try:
            try:
                return self._send(path, content, headers | {AGENT_KEY_HEADER: key})
            except MigrateError as error:
                if not (error.code in _KEY_REFUSED and keys.fall_back(key)):
                    raise
                log.warning("the key was refused; trying the one before the last rotation")
                return self._send(path, content, headers | {AGENT_KEY_HEADER: keys.key})
        except MigrateError as error:
            if error.code in FENCED and self._session is not None:
                self._session.end(error)
            raise

    def _send(self, path: str, content: bytes, headers: dict[str, str]) -> bytes:
        correlation_id = secrets.token_hex(8)
        try:
            response = self._http.post(path, content=content, headers=headers | {CORRELATION_HEADER: correlation_id})
        except httpx.HTTPError as error:
            raise network_fault(error, self.host) from error
        log.debug(
            "POST %s: %s", path, response.status_code, extra={"correlation_id": correlation_id, "host": self.host}
        )
        if response.is_success:
            return response.content
        raise refusal(response, self.host)
