"""The operator's API over HTTP, with the few steps that every end-to-end test takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from local.operator_api import OperatorApi
from local.stack import Stack
from tests.harness.conditions import eventually

ENDED = {"completed", "failed", "cancelled"}


@dataclass(frozen=True)
class Engagement:
    """A client and a project of it."""

    client_id: str
    project_id: str


class Operator:
    """One signed-in operator of a stack."""

    def __init__(self, stack: Stack) -> None:
        self.api: OperatorApi = stack.operator_api()

    def engagement(self, name: str, *, connected: bool = True) -> Engagement:
        """Result: a new client and its project, connected to the deployment's account unless told."""
        client_id = str(self.api.create_client(name)["client_id"])
        if connected:
            return Engagement(client_id, str(self.api.create_project(client_id, f"{name} files")["project_id"]))
        view = self.api.call("POST", "/api/projects", {"client_id": client_id, "name": f"{name} files"})
        return Engagement(client_id, str(view["project_id"]))

    def create_job(self, project_id: str, source: str, container: str, **more: Any) -> dict[str, Any]:
        """Result: the new job's view; `prefix` and every field of the API may be given."""
        destination = {"kind": "azure_blob", "container": container, "prefix": more.pop("prefix", "")}
        body = {
            "project_id": project_id,
            "name": more.pop("name", "copy"),
            "type": "migrate_files",
            "source": {"kind": "local", "path": source},
            "destination": destination,
            **more,
        }
        created: dict[str, Any] = self.api.call("POST", "/api/jobs", body)
        return created

    def act(self, job_id: str, action: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Result: the job's view after the action (`pause`, `cancel`, ...)."""
        view: dict[str, Any] = self.api.call("POST", f"/api/jobs/{job_id}/{action}", body)
        return view

    def wait_for(self, job_id: str, *states: str, seconds: float) -> dict[str, Any]:
        """Result: the job's view once it is in one of `states`; fails at once where it ended otherwise."""

        def reached() -> dict[str, Any] | None:
            view = self.api.job(job_id)
            if view["state"] in ENDED and view["state"] not in states:
                raise AssertionError(f"job ended {view['state']}: {view['fault']} {view['progress']}")
            return view if view["state"] in states else None

        view = eventually(reached, seconds=seconds, what=f"job {job_id} in {states}: {self.api.job(job_id)}")
        assert view is not None
        return view

    def ledger(self, job_id: str) -> list[dict[str, Any]]:
        """Result: every ledger row of the newest attempt."""
        rows: list[dict[str, Any]] = []
        query = {"limit": "200"}
        while True:
            page = self.api.call("GET", f"/api/jobs/{job_id}/files", **query)
            rows += page["items"]
            if not page["continuation"]:
                return rows
            query["continuation"] = page["continuation"]
