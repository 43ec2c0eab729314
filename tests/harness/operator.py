"""The operator's API over HTTP, as a script of an operator would use it."""

from __future__ import annotations

from typing import Any

import httpx

from tests.harness.conditions import eventually

ENDED = {"completed", "failed", "cancelled"}


class OperatorApi:
    """One signed-in operator. Every call answers the parsed JSON and fails the test on a status that is not 2xx."""

    def __init__(self, api_url: str, authorization: str) -> None:
        self.http = httpx.Client(
            base_url=api_url, headers={"Authorization": authorization}, timeout=30, trust_env=False
        )

    def call(self, method: str, path: str, **body: Any) -> Any:
        """Result: the JSON answer; AssertionError with the problem's text otherwise."""
        answer = self.http.request(method, path, json=body if method in ("POST", "PUT", "PATCH") else None)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def project(self, name: str = "Files", *, client: str = "Grace Chapel", connected: bool = True) -> dict[str, str]:
        """Result: ids of a new client and a project of it, connected to the deployment's account unless told."""
        client_id = self.call("POST", "/api/clients", name=client)["client_id"]
        project_id = self.call("POST", "/api/projects", client_id=client_id, name=name)["project_id"]
        if connected:
            self.call("PUT", f"/api/projects/{project_id}/azure-connection", kind="deployment")
        return {"client_id": client_id, "project_id": project_id}

    def code(self, client_id: str) -> str:
        """Result: a fresh registration code."""
        return str(self.call("POST", "/api/registration-codes", client_id=client_id)["code"])

    def create_job(self, project_id: str, source: str, container: str, **more: Any) -> dict[str, Any]:
        """Result: the new job's view."""
        prefix = more.pop("prefix", "")
        created: dict[str, Any] = self.call(
            "POST",
            "/api/jobs",
            project_id=project_id,
            name=more.pop("name", "copy"),
            type="migrate_files",
            source={"kind": "local", "path": source},
            destination={"kind": "azure_blob", "container": container, "prefix": prefix},
            **more,
        )
        return created

    def job(self, job_id: str) -> dict[str, Any]:
        """Result: the job's view as of now."""
        view: dict[str, Any] = self.call("GET", f"/api/jobs/{job_id}")
        return view

    def wait_for(self, job_id: str, *states: str, seconds: float) -> dict[str, Any]:
        """Result: the job's view once it is in one of `states`."""

        def reached() -> dict[str, Any] | None:
            view = self.job(job_id)
            if view["state"] in ENDED and view["state"] not in states:
                raise AssertionError(f"job ended {view['state']}: {view['fault']} {view['progress']}")
            return view if view["state"] in states else None

        view = eventually(reached, seconds=seconds, what=f"job in {states}")
        assert view is not None
        return view
