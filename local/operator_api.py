"""The public operator API, as the local stack calls it: over HTTP with an operator's credential."""

from __future__ import annotations

import ssl
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx


class ApiRefused(Exception):
    """The API answered with a problem; the message says what, which and what to do."""

    def __init__(self, method: str, path: str, answer: httpx.Response) -> None:
        self.status = answer.status_code
        problem = _problem(answer)
        self.code = str(problem.get("code", ""))
        said = [str(problem[key]) for key in ("title", "detail", "fix") if problem.get(key)]
        super().__init__(f"{method} {path}: {answer.status_code} {' '.join(said) or answer.text[:500]}".strip())


class OperatorApi:
    """One operator's calls. Every method may raise ApiRefused or httpx.TransportError."""

    def __init__(self, api_url: str, credential: str, *, ca_file: Path | None = None) -> None:
        """Talk to `api_url`; `ca_file` is needed for https with the stack's own authority."""
        verify = ssl.create_default_context(cafile=ca_file) if ca_file else True
        self._http = httpx.Client(
            base_url=api_url,
            headers={"Authorization": f"Bearer {credential}"},
            verify=verify,
            timeout=30,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        """Use the connection pool for a block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self._http.close()

    def call(self, method: str, path: str, body: object = None, **query: str) -> Any:
        """The parsed answer of one call, None when it has no content."""
        answer = self._http.request(method, path, json=body, params=query)
        if not answer.is_success:
            raise ApiRefused(method, path, answer)
        return answer.json() if answer.content else None

    def create_client(self, name: str) -> dict[str, Any]:
        """The view of a new client."""
        view: dict[str, Any] = self.call("POST", "/api/clients", {"name": name})
        return view

    def create_project(self, client_id: str, name: str) -> dict[str, Any]:
        """The view of a new project, connected to the account that this deployment owns."""
        view = self.create_unconnected_project(client_id, name)
        connection = {"kind": "deployment"}
        self.call("PUT", f"/api/projects/{view['project_id']}/azure-connection", connection)
        return view

    def create_unconnected_project(self, client_id: str, name: str) -> dict[str, Any]:
        """The view of a new project."""
        view: dict[str, Any] = self.call("POST", "/api/projects", {"client_id": client_id, "name": name})
        return view

    def create_code(self, client_id: str) -> str:
        """A fresh registration code for an agent of that client."""
        return str(self.call("POST", "/api/registration-codes", {"client_id": client_id})["code"])

    def create_copy_job(self, project_id: str, name: str, source: Path, container: str) -> dict[str, Any]:
        """The view of a new job that copies a local folder into a container."""
        view: dict[str, Any] = self.call(
            "POST",
            "/api/jobs",
            {
                "project_id": project_id,
                "name": name,
                "type": "migrate_files",
                "source": {"kind": "local", "path": str(source)},
                "destination": {"kind": "azure_blob", "container": container, "prefix": ""},
            },
        )
        return view

    def job(self, job_id: str) -> dict[str, Any]:
        """A job's view as of now."""
        view: dict[str, Any] = self.call("GET", f"/api/jobs/{job_id}")
        return view


def _problem(answer: httpx.Response) -> dict[str, Any]:
    if "json" not in answer.headers.get("content-type", ""):
        return {}
    document = answer.json()
    return document if isinstance(document, dict) else {}
