"""What a fresh stack of `make up` shows: one client with one connected project, made through the public API."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient

from local.azurite import sdk_options
from local.operator_api import OperatorApi
from local.stack import Stack

CLIENT_NAME = "Example Church"
PROJECT_NAME = "File shares"
CONTAINER = "example-files"


@dataclass(frozen=True)
class Seed:
    """Ids of what was seeded, and the container that is meant for it."""

    client_id: str
    project_id: str
    container: str

    def as_json(self) -> dict[str, Any]:
        """The `seed` part of stack.json."""
        return asdict(self)


def seed(stack: Stack) -> Seed:
    """Make the example if it is not there yet; raises ApiRefused."""
    with stack.operator_api() as api:
        client_id = _by_name(api, "/api/clients", CLIENT_NAME, "client_id")
        if client_id is None:
            client_id = str(api.create_client(CLIENT_NAME)["client_id"])
        project_id = _by_name(api, "/api/projects", PROJECT_NAME, "project_id", client_id=client_id)
        if project_id is None:
            project_id = str(api.create_project(client_id, PROJECT_NAME)["project_id"])
    _make_container(stack)
    return Seed(client_id, project_id, CONTAINER)


def _by_name(api: OperatorApi, path: str, name: str, key: str, **query: str) -> str | None:
    """The id of the first item of that name in a list that may have several pages."""
    while True:
        page = api.call("GET", path, **query)
        for item in page["items"]:
            if item["name"] == name:
                return str(item[key])
        if not page.get("continuation"):
            return None
        query = {**query, "continuation": page["continuation"]}


def _make_container(stack: Stack) -> None:
    with BlobServiceClient.from_connection_string(
        stack.data_account.connection_string, **sdk_options(stack.ca_file)
    ) as service:
        try:
            service.create_container(CONTAINER)
        except ResourceExistsError:
            return
