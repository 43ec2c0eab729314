"""The tests' control plane, with grants that are good for an endpoint of the tests' own: jobs of a real agent."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from migrate_contract.jobs import Grant, JobPhase, JobSpec, JobType, Progress
from tests.harness.agent_process import AgentProcess
from tests.harness.blob_endpoint import CONTAINER, BlobEndpoint
from tests.harness.fake_control_plane import FakeControlPlane, Refusal

CODE = "ABCD2345"


class GrantingPlane(FakeControlPlane):
    """`grant_seconds` is how long a signature lives, by the endpoint's clock; the agent is told so, too.

    `no_grant`, while set, is what every request for access is refused with.
    """

    def __init__(self, endpoint: BlobEndpoint, *, grant_seconds: float = 3600.0) -> None:
        super().__init__()
        self._endpoint = endpoint
        self.grant_seconds = grant_seconds
        self.no_grant: Refusal | None = None

    def __enter__(self) -> GrantingPlane:
        self.start()
        return self

    def start_copy(self, source: Path, *, prefix: str = "", job_id: str = "", attempt: int = 1, **transfer: Any) -> str:
        """Result: the id of a job that copies `source`; its command waits for the next heartbeat.

        `job_id` and `attempt` are those of a job that is run again.
        """
        spec = JobSpec.model_validate(
            {
                "job_id": job_id or f"job_{secrets.token_hex(12)}",
                "attempt": attempt,
                "name": "a copy",
                "type": JobType.MIGRATE_FILES,
                "source": {"path": str(source)},
                "destination": {"container": CONTAINER, "prefix": prefix},
                "transfer": transfer,
            }
        )
        self.send("start_job", job=spec, number=len(self.results) + 1)
        return spec.job_id

    def last(self, job_id: str) -> Progress | None:
        """Result: the newest progress of a job."""
        with self.lock:
            reports = self.progress[job_id]
            return reports[-1] if reports else None

    def ended(self, job_id: str) -> JobPhase | None:
        """Result: completed, failed or cancelled, once it is."""
        last = self.last(job_id)
        over = (JobPhase.COMPLETED, JobPhase.FAILED, JobPhase.CANCELLED)
        return last.phase if last is not None and last.phase in over else None

    def forget(self, job_id: str) -> None:
        """What was kept of a job that is over, for a test of many jobs."""
        with self.lock:
            self.progress.pop(job_id, None)
            self.ledger.pop(job_id, None)
            for kept in (self.calls, self.correlation_ids, self.heartbeats, self.grants):
                kept.clear()

    def _grant(self, job_id: str, body: Any) -> Grant:
        if self.no_grant is not None:
            raise self.no_grant
        self.grants.append(job_id)
        return Grant(
            container_url=f"{self._endpoint.endpoint}/{CONTAINER}",
            sas_token=self._endpoint.sas(self.grant_seconds),
            seconds_left=self.grant_seconds,
            renew_in_seconds=self.grant_seconds / 2,
        )


def registered_agent(home: Path, plane: GrantingPlane, endpoint: BlobEndpoint) -> AgentProcess:
    """Result: an install that is registered and does not run yet."""
    agent = AgentProcess(home, plane.url, str(endpoint.ca_file))
    agent.register(CODE)
    return agent
