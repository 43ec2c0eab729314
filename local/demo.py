"""The demonstration: a folder goes through the whole system, and every byte is compared afterwards.

Own stack in a temporary folder, client, project and job through the public API, the customer's sign-in by the product's
own pages, a real agent process that registers with a code. Nothing of it is left behind. The verdict is the
comparison's, not the product's.
"""

from __future__ import annotations

import shutil
import sysconfig
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from enum import StrEnum, unique
from pathlib import Path
from typing import Any

from azure.storage.blob import ContainerClient

from local.agent_process import AgentProcess
from local.azurite import sdk_options
from local.comparison import compare
from local.customer_cloud import OWNER
from local.customer_person import NotConnected, connect_project
from local.demo_display import DemoDisplay
from local.demo_report import DemoReport
from local.entra.browser import FormMissing, SignInStuck
from local.operator_api import OperatorApi
from local.stack import Stack

CONTAINER = "demo"
ENDED = {"completed", "failed", "cancelled"}
STALLED_SECONDS = 300
_POLL_SECONDS = 0.5


@unique
class Destination(StrEnum):
    """Whose storage account the demonstration copies to; set by the command line."""

    CUSTOMER = "customer"
    """The customer's own, reached by the sign-in of a person there."""
    DEPLOYMENT = "deployment"
    """The one that this deployment owns."""


type BeforeComparison = Callable[[ContainerClient], None]
"""Gets the container after the copy and before the comparison; a test damages it here."""


class DemoFailed(Exception):
    """The copy did not come to its end; `cause` says what happened and `fix` what to do."""

    def __init__(self, cause: str, fix: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.fix = fix


def default_source() -> Path:
    """Python's standard library: thousands of real files on every machine that can run this."""
    return Path(sysconfig.get_paths()["stdlib"]).resolve()


def run_demo(
    source: Path,
    display: DemoDisplay,
    *,
    destination: Destination = Destination.CUSTOMER,
    before_comparison: BeforeComparison | None = None,
    check: Callable[[], None] = lambda: None,
) -> DemoReport:
    """Copy `source` and compare; raises DemoFailed, and whatever the stack's parts raise. Cleans up after itself.

    `check` is called now and then; what it raises ends the demonstration.
    """
    if not source.is_dir():
        raise DemoFailed(f"{source} is not a folder", "Name a folder: make demo SOURCE=/path/to/folder")
    started_at = time.monotonic()
    with ExitStack() as cleanup:
        directory = Path(tempfile.mkdtemp(prefix="onemigrate-demo-"))
        cleanup.callback(shutil.rmtree, directory, ignore_errors=True)
        display.step("Starting the local stack (Azurite over HTTPS, identity server, functions host)")
        stack = cleanup.enter_context(Stack(directory / "stack"))
        api = cleanup.enter_context(stack.operator_api())
        display.step(f"Control plane at {stack.api_url}: creating client, project and registration code")
        client_id = api.create_client("Demonstration")["client_id"]
        project_id = _connected_project(stack, api, client_id, destination, display)
        agent = AgentProcess(directory / "agent", stack.api_url, stack.ca_file)
        display.step("Registering and starting an agent")
        agent.register(api.create_code(client_id), "demonstration agent")
        cleanup.callback(agent.stop)
        agent.start()
        display.step(f"Copying {source} to container '{CONTAINER}'")
        job_id = str(api.create_copy_job(project_id, "demonstration", source, CONTAINER)["job_id"])
        job = _watch(stack, api, job_id, agent, display, check)
        check()
        not_copied = _not_copied(api, job_id)
        container = cleanup.enter_context(_container(stack, destination))
        if before_comparison:
            before_comparison(container)
        display.step("Comparing source and container byte for byte")
        comparison = compare(
            source,
            container,
            left_out={row["path"] for row in not_copied if row["bucket"] in {"unsupported", "excluded"}},
            on_progress=display.compared,
        )
        display.step("Stopping the agent and the stack")
    seconds = time.monotonic() - started_at
    progress = job["progress"]
    return DemoReport(source, progress["files"], progress["bytes"], not_copied, comparison, seconds)


def _connected_project(
    stack: Stack, api: OperatorApi, client_id: str, destination: Destination, display: DemoDisplay
) -> str:
    """The id of a project that is connected to the account of that kind. Raises DemoFailed."""
    name = "Copy of a folder"
    if destination is Destination.DEPLOYMENT:
        return str(api.create_project(client_id, name)["project_id"])
    project_id = str(api.create_unconnected_project(client_id, name)["project_id"])
    owner = stack.customer.person(OWNER)
    display.step(f"{owner.name} signs in for the customer's account '{stack.customer_account.name}'")
    try:
        connect_project(stack, project_id, CONTAINER)
    except (NotConnected, SignInStuck, FormMissing) as fault:
        raise DemoFailed(
            f"the customer's account was not connected: {fault}\n{stack.host.process.log_tail()}",
            "Read the last page above, and the host's last output.",
        ) from fault
    return project_id


def _watch(
    stack: Stack,
    api: OperatorApi,
    job_id: str,
    agent: AgentProcess,
    display: DemoDisplay,
    check: Callable[[], None],
) -> dict[str, Any]:
    """Show the job until it has ended; its last view. Raises DemoFailed when it cannot complete."""
    last_change_at, last_seen = time.monotonic(), ""
    while True:
        check()
        job = api.job(job_id)
        display.job(job)
        if job["state"] in ENDED:
            break
        if not agent.process.is_running:
            raise DemoFailed(
                f"the agent ended with exit code {agent.process.returncode}\n{agent.process.log_tail()}",
                "Read the agent's last output above.",
            )
        progress = job["progress"] or {}
        seen = f"{job['state']} {progress.get('files')} {progress.get('bytes')}"
        if seen != last_seen:
            last_change_at, last_seen = time.monotonic(), seen
        elif time.monotonic() - last_change_at > STALLED_SECONDS:
            raise DemoFailed(
                f"nothing has changed for {STALLED_SECONDS} s; the job is {job['state']} and waits: "
                f"{job['waiting_because'] or 'it does not say why'}\n"
                f"{agent.process.log_tail()}\n{stack.host.process.log_tail()}",
                "Read the last output of agent and host above.",
            )
        time.sleep(_POLL_SECONDS)
    if job["state"] != "completed":
        fault = job["fault"] or {}
        raise DemoFailed(
            f"the job is {job['state']}: {fault.get('title', '')} {fault.get('detail', '')}".strip(),
            fault.get("fix") or "Read the job's history.",
        )
    return job


def _not_copied(api: OperatorApi, job_id: str) -> list[dict[str, Any]]:
    """The ledger's rows of every file that is not in the container, with the reason for each."""
    rows: list[dict[str, Any]] = []
    for bucket in ("failed", "unsupported", "excluded"):
        query = {"bucket": bucket, "limit": "200"}
        while True:
            page = api.call("GET", f"/api/jobs/{job_id}/files", **query)
            rows += page["items"]
            if not page.get("continuation"):
                break
            query["continuation"] = page["continuation"]
    return rows


def _container(stack: Stack, destination: Destination) -> ContainerClient:
    account = stack.customer_account if destination is Destination.CUSTOMER else stack.data_account
    return ContainerClient.from_connection_string(account.connection_string, CONTAINER, **sdk_options(stack.ca_file))
