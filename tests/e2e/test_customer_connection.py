"""The whole way of a customer's connection, on real parts: sign-in, copy, the token dies, mail, reconnect, rerun.

One run for all tests here. What the storage account saw is read in its own log, apart from what the product says.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from local import customer_cloud
from local.customer_cloud import OWNER
from local.customer_person import connect_project, operator_browser
from local.entra.refusals import Refusal
from local.mail.store import SentMail
from local.stack import Stack
from local.storage_front.control import Place
from tests.browser.chromium import chromium
from tests.browser.identity import customer, sign_in
from tests.harness import everything_kept
from tests.harness.agent_process import AgentProcess
from tests.harness.conditions import eventually
from tests.harness.container import blobs, files, open_container
from tests.harness.operator import Operator

CUSTOMER_MAIL = "olivia@contoso.example"
CONTAINER = "archive"
GRANT_SECONDS = 5
FILES = 40
FILE_BYTES = 64 * 1024
SLOW_MBPS = 0.3
TIMES = {"ONEMIGRATE_GRANT_SECONDS": str(GRANT_SECONDS), "ONEMIGRATE_SWEEP_SCHEDULE": "*/2 * * * * *"}


@dataclass
class Run:
    """What happened, in the order in which it did."""

    stack: Stack
    tree: Path
    agent_home: Path
    project_id: str
    job_id: str = ""
    job_in_between: dict[str, Any] = field(default_factory=dict)
    project_in_between: dict[str, Any] = field(default_factory=dict)
    failed: dict[str, Any] = field(default_factory=dict)
    project_then: dict[str, Any] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)
    """What the account had taken, by its own log, when the job had failed."""
    mails: list[SentMail] = field(default_factory=list)
    reconnected_at: Place = field(default_factory=lambda: Place(0))
    outsider_sees: str = ""
    """The project's page, asked for by the customer, who is no operator."""
    project_after: dict[str, Any] = field(default_factory=dict)
    done: dict[str, Any] = field(default_factory=dict)
    screens: Path = field(default_factory=Path)

    def shoot(self, page: Page, name: str) -> None:
        """Keeps a picture of the page, for people."""
        page.screenshot(path=self.screens / f"{name}.png", full_page=True)


def link_in(text: str) -> str:
    found = re.search(r"https?://[^\s\"<>]+/reconnect/[A-Za-z0-9._-]+", text)
    assert found is not None, text
    return found[0]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The whole way, once."""
    tree = tmp_path_factory.mktemp("share")
    for number in range(FILES):
        (tree / f"file {number:02d}.bin").write_bytes(os.urandom(FILE_BYTES))
    with Stack(tmp_path_factory.mktemp("stack"), settings=TIMES) as stack:
        operator = Operator(stack)
        engagement = operator.engagement("Whole way", connected=False)
        way = Run(stack, tree, tmp_path_factory.mktemp("agent"), engagement.project_id)
        way.screens = tmp_path_factory.mktemp("screens")
        agent = AgentProcess(way.agent_home, stack.api_url, str(stack.ca_file))
        try:
            agent.register(operator.api.create_code(engagement.client_id))
            agent.start()
            connect(way, operator)
            let_faults_pass(way, operator)
            let_the_token_die(way, operator)
            reconnect(way, operator)
            yield way
        finally:
            agent.close()


def connect(way: Run, operator: Operator) -> None:
    """An operator connects with the owner's sign-in, and a slow copy begins."""
    recipients = f"/api/projects/{way.project_id}/recipients"
    operator.api.call("POST", recipients, {"address": CUSTOMER_MAIL})
    connect_project(way.stack, way.project_id, CONTAINER)
    slow = {"bandwidth_limit_mbps": SLOW_MBPS}
    way.job_id = str(operator.create_job(way.project_id, str(way.tree), CONTAINER, transfer=slow)["job_id"])
    eventually(lambda: len(copied(way)) >= 3, seconds=60, what="some files in the account")


def copied(way: Run, since: Place = Place(0)) -> set[str]:  # noqa: B008
    """The files that were written by a signature, in the account's own log."""
    written = way.stack.storage_front.control.writes(since)
    return {entry.blob for entry in written if entry.authentication == "SAS" and entry.blob.endswith(".bin")}


def let_faults_pass(way: Run, operator: Operator) -> None:
    """Faults that are not the customer's meet renewals of the running job's access, and end."""
    control = way.stack.entra.control
    asked = len(control.log())
    for refusal in (Refusal.UNAVAILABLE, Refusal.SECRET_EXPIRED):
        control.refuse(refusal, grant="refresh_token", times=1)

    def outcomes() -> list[str]:
        return [entry["outcome"] for entry in control.log()[asked:]]

    eventually(lambda: outcomes()[-1:] == ["ok"] and len(outcomes()) >= 3, seconds=60, what="a renewal after faults")
    assert {"unavailable", "secret_expired"} <= set(outcomes())
    way.job_in_between = operator.api.job(way.job_id)
    way.project_in_between = operator.api.call("GET", f"/api/projects/{way.project_id}")


def let_the_token_die(way: Run, operator: Operator) -> None:
    """The owner's tokens are revoked while the job runs."""
    way.stack.entra.control.revoke(way.stack.customer.object_ids[OWNER])
    way.failed = operator.wait_for(way.job_id, "failed", seconds=60)
    way.project_then = operator.api.call("GET", f"/api/projects/{way.project_id}")
    way.stored = copied(way)
    way.mails = eventually(
        lambda: [mail for mail in way.stack.mail.control.mails(CUSTOMER_MAIL) if "/reconnect/" in mail.plain],
        seconds=30,
        what="the mail to the customer",
    )


def reconnect(way: Run, operator: Operator) -> None:
    """The customer clicks through the mail's link; the operator through the offer to run the job again."""
    way.reconnected_at = way.stack.storage_front.control.place()
    operator.api.call("PUT", f"/api/jobs/{way.job_id}/bandwidth-limit", {"limit_mbps": None})
    with chromium() as browser:
        with customer(browser) as page:
            page.goto(f"{way.stack.api_url}/.auth/login/aad?post_login_redirect_uri=/projects/{way.project_id}")
            way.shoot(page, "1 operator's project")
        with customer(browser) as page:
            page.goto(f"{way.stack.mail.page_url}mails/{way.mails[0].number}")
            way.shoot(page, "2 mail")
            page.goto(link_in(way.mails[0].plain))
            way.shoot(page, "3 customer's page")
            page.get_by_role("button", name="Sign in with Microsoft").click()
            sign_in(page, way.stack)
            way.shoot(page, "4 signed in")
            page.get_by_role("button", name="Test and save").click()
            expect(page.get_by_role("heading", name="Azure Storage is connected")).to_be_visible()
            way.shoot(page, "5 saved")
            page.goto(f"{way.stack.api_url}/projects/{way.project_id}")
            way.outsider_sees = page.content()
        way.project_after = operator.api.call("GET", f"/api/projects/{way.project_id}")
        with customer(browser) as page:
            page.goto(f"{way.stack.api_url}/.auth/login/aad?post_login_redirect_uri=/projects/{way.project_id}")
            way.shoot(page, "6 operator's offer")
            page.get_by_role("button", name="Run them again").click()
            way.done = operator.wait_for(way.job_id, "completed", seconds=60)
            page.goto(f"{way.stack.api_url}/jobs/{way.job_id}")
            way.shoot(page, "7 done")


def test_faults_that_are_not_the_customers_stop_nothing(run: Run):
    assert run.job_in_between["state"] == "running"
    assert run.job_in_between["fault"] is None
    assert run.project_in_between["status"] == "in_progress"


def test_the_dead_token_fails_the_job_with_the_exact_words(run: Run):
    fault = run.failed["fault"]
    assert fault["code"] == "azure-credentials-expired"
    assert fault["title"] == "Azure credentials expired — re-authenticate via dashboard"
    assert "AADSTS50173" in fault["detail"], "the exact reason"
    assert run.project_then["status"] == "auth_required"
    assert "AADSTS50173" in run.project_then["sign_in_end"]["reason"]


def test_one_mail_goes_to_the_customer_and_its_link_needs_no_operator(run: Run):
    (mail,) = run.mails
    assert link_in(mail.plain) == link_in(mail.html)
    assert customer_cloud.ACCOUNT in mail.plain
    assert [each.subject for each in run.stack.mail.control.mails(CUSTOMER_MAIL)] == [mail.subject]
    assert run.project_after["status"] == "in_progress"
    assert "Whole way files" not in run.outsider_sees, "the link opens nothing else"


def test_the_rerun_completes_and_sends_no_file_again_that_is_there(run: Run):
    assert 3 <= len(run.stored) < FILES
    assert copied(run, run.reconnected_at) == set(files(run.tree)) - run.stored
    assert run.done["progress"]["files"]["unchanged"] == len(run.stored)
    assert run.done["progress"]["verified_files"] == FILES
    account = run.stack.customer_account
    stored = blobs(open_container(account.connection_string, str(run.stack.ca_file), CONTAINER))
    assert stored == files(run.tree)


def test_the_agent_has_reached_the_account_by_signatures_alone(run: Run):
    entries = run.stack.storage_front.control.requests()
    by_agent = [entry for entry in entries if entry.authentication == "SAS"]
    assert {entry.person for entry in by_agent} == {run.stack.customer.object_ids[OWNER]}
    assert {entry.authentication for entry in entries} <= {"SAS", "OAuth", "Anonymous"}
    assert [entry for entry in by_agent if entry.operation == "DeleteBlob" and entry.status < 300] == []


def secrets_of(run: Run) -> list[str]:
    """Every secret that was used in the run, of the customer's connection and our own."""
    cloud, stack = run.stack.customer, run.stack
    ours = stack.identity
    return [
        *stack.entra.control.issued(),
        *stack.storage_front.control.signatures(),
        cloud.client_secret,
        cloud.account_key,
        *(ours.wrapping_key, ours.secret_key, ours.session_key, ours.mail_key),
        *(ours.state_account_key, ours.data_account_key),
    ]


def kept_by(run: Run) -> list[tuple[str, bytes]]:
    """Everything that the run has left: tables, blobs, queues, logs, the agent's folder, and every page."""
    stack = run.stack
    with operator_browser(stack) as browser:
        pages = list(everything_kept.pages_of(browser, stack.api_url))
    return [
        *everything_kept.tables_of(stack.state_account, stack.ca_file),
        *everything_kept.blobs_of(stack.state_account, stack.ca_file),
        *everything_kept.queues_of(stack.state_account, stack.ca_file),
        *everything_kept.files_of(stack.directory / "logs", stack.directory / "sent-mail", run.agent_home),
        *pages,
    ]


def test_nothing_secret_is_kept_anywhere(run: Run):
    secrets = secrets_of(run)
    assert len(secrets) > 20
    kept = kept_by(run)
    places = {where.split()[0] for where, _ in kept}
    assert places >= {"table", "blob", "file", "page"}
    looked_at = sorted(where for where, _ in kept if where.startswith("page"))
    assert f"page /jobs/{run.job_id}" in looked_at, "\n".join(looked_at)
    assert everything_kept.found_in(kept, secrets) == []
    planted = [*kept, ("table planted", secrets[0].encode())]
    assert everything_kept.found_in(planted, secrets) == ["table planted"]
