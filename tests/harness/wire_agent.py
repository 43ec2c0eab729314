"""An agent that is nothing but its wire: it registers, sends heartbeats and reports what a test tells it to."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

import httpx


class WireAgent:
    """One install. Every call answers the raw response; `registered` and `in_session` come first."""

    def __init__(self, api_url: str, *, machine: str = "") -> None:
        self.http = httpx.Client(base_url=api_url, timeout=30, trust_env=False)
        self.install_id = secrets.token_hex(16)
        self.instance_id = secrets.token_hex(16)
        self.machine = machine or secrets.token_hex(8)
        self.key, self.agent_id, self.organization_id, self.client_id = "", "", "", ""
        self.epoch: int | None = None
        self.sequence = 0

    def register(self, code: str) -> httpx.Response:
        """Result: the answer; on success the key is kept."""
        body = {"code": code, "install_id": self.install_id, "machine": self._machine(), "name": f"wire {self.machine}"}
        answer = self.http.post("/api/agent/register", json=body)
        if answer.is_success:
            said = answer.json()
            self.key, self.agent_id = said["agent_key"], said["agent_id"]
            self.organization_id, self.client_id = said["organization_id"], said["client_id"]
        return answer

    def registered(self, code: str) -> WireAgent:
        """Result: this agent, registered; AssertionError otherwise."""
        answer = self.register(code)
        assert answer.is_success, answer.text
        return self

    def heartbeat(self, **changes: Any) -> httpx.Response:
        """Result: the answer to the next heartbeat; on success its epoch is kept."""
        self.sequence += 1
        body = {
            "instance_id": self.instance_id,
            "session_epoch": self.epoch,
            "sequence": self.sequence,
            "mode": "service",
            "machine": self._machine(),
            "agent_time": datetime.now(UTC).isoformat(),
        }
        answer = self.post("/api/agent/heartbeat", {**body, **changes}, session=False)
        if answer.is_success:
            self.epoch = answer.json()["session_epoch"]
        return answer

    def in_session(self) -> WireAgent:
        """Result: this agent after its first heartbeat; AssertionError otherwise."""
        answer = self.heartbeat()
        assert answer.is_success, answer.text
        return self

    def post(self, path: str, body: Any, *, session: bool = True, key: str | None = None) -> httpx.Response:
        """Result: the answer to any call with this agent's key and, unless told, its session."""
        headers = {"X-Agent-Key": self.key if key is None else key}
        if session and self.epoch is not None:
            headers["X-Agent-Session"] = str(self.epoch)
        return self.http.post(path, json=body, headers=headers)

    def accept_commands(self) -> list[dict[str, Any]]:
        """Result: the commands of one heartbeat, each answered `accepted`."""
        commands: list[dict[str, Any]] = self.heartbeat().json()["commands"]
        for command in commands:
            answer = self.post(f"/api/agent/commands/{command['command_id']}/result", {"status": "accepted"})
            assert answer.is_success, answer.text
        return commands

    def progress(self, job_id: str, sequence: int, phase: str, attempt: int = 1, **more: Any) -> httpx.Response:
        """Result: the answer to one progress report."""
        body = {"attempt": attempt, "sequence": sequence, "phase": phase, **more}
        return self.post(f"/api/agent/jobs/{job_id}/progress", body)

    def _machine(self) -> dict[str, str]:
        return {"machine_id": self.machine, "hostname": "wire", "os": "Linux", "agent_version": "0.0"}
