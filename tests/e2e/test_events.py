"""A job that fails, through the local host and real tables: its event, its mail, and its way to a webhook."""

from __future__ import annotations

from typing import Any

from local.stack import Stack
from tests.harness.conditions import eventually
from tests.harness.operator import Operator
from tests.harness.wire_agent import WireAgent

FAULT = {"code": "source-not-found", "detail": "/srv/gone is not there."}


def test_a_job_that_fails_is_told_once(stack: Stack) -> None:
    operator = Operator(stack)
    engagement = operator.engagement("Told")
    project = f"/api/projects/{engagement.project_id}"
    hook = {"url": "https://hooks.told.invalid/", "project_id": engagement.project_id, "events": ["job-failed"]}
    webhook_id = operator.api.call("POST", "/api/webhooks", hook)["webhook_id"]
    operator.api.call("POST", f"{project}/recipients", {"address": "it@told.example"})
    agent = WireAgent(stack.api_url).registered(operator.api.create_code(engagement.client_id)).in_session()
    job_id = operator.create_job(engagement.project_id, "/srv/gone", "told", name="Told")["job_id"]
    eventually(agent.accept_commands, seconds=60, what="the job's start command")
    assert agent.progress(job_id, 1, "failed", fault=FAULT).is_success

    def announced() -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = operator.api.call("GET", f"{project}/events")["items"]
        return [event for event in events if event["announced_at"]]

    (event,) = eventually(announced, seconds=60, what="the event")
    assert (event["kind"], event["subject"], event["code"]) == ("job-failed", job_id, "source-not-found")
    assert event["summary"] == "Job Told failed: /srv/gone is not there."

    def tried() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = operator.api.call("GET", f"/api/webhooks/{webhook_id}/deliveries")["items"]
        return [delivery for delivery in found if delivery["tries"]]

    (delivery,) = eventually(tried, seconds=60, what="the delivery's first try")
    assert (delivery["event_id"], delivery["state"]) == (event["event_id"], "waiting")
    assert delivery["code"] == "webhook-host-unknown"
    mails = eventually(lambda: operator.api.call("GET", f"{project}/mails")["items"], seconds=60, what="the mail")
    assert [(mail["kind"], mail["address"]) for mail in mails] == [("job-failed", "it@told.example")]
