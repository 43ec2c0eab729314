"""Webhooks and deliveries: who may have them, what is sent, how it is signed, when it is tried again, and only once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from functions.domain.caller import Role
from functions.domain.event import Event, EventKind
from functions.domain.event_views import DeliveryView, WebhookCreate, WebhookPatch, WebhookSecretView
from functions.domain.limits import Limits
from functions.domain.views import ListQuery
from functions.domain.webhook import MOST_TRIES, WAITS_SECONDS, DeliveryState
from functions.services import assemble
from migrate_contract.errors import CATALOGUE, ErrorCode, Retryable
from tests.memory.world import ADMIN, DEPLOYMENT, OPERATOR, ORGANIZATION, World, limited, refused

HOST = "hooks.customer.example"
URL = f"https://{HOST}/onemigrate"
LIST = ListQuery()


class Hooked:
    """A project with a webhook whose receiver answers."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.world = World(limits)
        self.client_id = self.world.client()
        self.project_id = self.world.project(self.client_id)
        self.receiver = self.world.deliverer.receiver(HOST)
        self.webhook = self.create()

    def create(self, url: str = URL, *, whole: bool = False, **fields: object) -> WebhookSecretView:
        body = WebhookCreate(url=url, project_id=None if whole else self.project_id).model_copy(update=fields)
        return self.world.services.webhooks.create(ADMIN, body)

    def event(self, number: int = 1, **fields: object) -> Event:
        made = Event(
            organization=ORGANIZATION,
            client_id=self.client_id,
            project_id=self.project_id,
            kind=EventKind.JOB_FAILED,
            subject="job_1",
            occurrence=str(number),
            at=self.world.clock() + timedelta(seconds=number),
            summary="Job Copy failed: Grüße.",
            code=ErrorCode.SOURCE_NOT_FOUND,
            link="/jobs/job_1",
            facts={"job_name": "Copy"},
        )
        return replace(made, **fields)  # type: ignore[arg-type]

    def enqueue(self, *events: Event) -> None:
        for event in events or (self.event(),):
            self.world.services.deliveries.enqueue(event)

    def run(self) -> None:
        self.world.services.deliveries.run(20)

    def log(self, webhook_id: str = "") -> list[DeliveryView]:
        return self.world.services.deliveries.list(ADMIN, webhook_id or self.webhook.webhook_id, LIST).items

    @property
    def posted(self) -> list[str]:
        return [request.headers["webhook-id"] for request in self.world.deliverer.posted]


def verify(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """As a receiver does (docs/webhooks.md)."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return hmac.compare_digest(expected, headers["webhook-signature"])


def test_an_event_is_posted_signed_and_logged() -> None:
    hooked = Hooked()
    event = hooked.event()
    hooked.enqueue(event)
    hooked.run()
    [request] = hooked.world.deliverer.posted
    assert request.url == URL
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["webhook-timestamp"] == str(int(hooked.world.clock().timestamp()))
    assert verify(hooked.webhook.secret, dict(request.headers), request.body)
    assert not verify(hooked.create().secret, dict(request.headers), request.body)
    assert json.loads(request.body) == {
        "id": event.event_id,
        "type": "job-failed",
        "at": "2026-03-02T14:00:01.000Z",
        "organization": "acme",
        "client_id": hooked.client_id,
        "project_id": hooked.project_id,
        "subject": "job_1",
        "summary": "Job Copy failed: Grüße.",
        "code": "source-not-found",
        "fix": CATALOGUE[ErrorCode.SOURCE_NOT_FOUND].fix,
        "link": DEPLOYMENT.public_url + "/jobs/job_1",
        "facts": {"job_name": "Copy"},
    }
    [delivery] = hooked.log()
    assert (delivery.state, delivery.tries, delivery.last_status) == (DeliveryState.DELIVERED, 1, 204)
    assert delivery.code is None


def test_the_secret_is_shown_once_and_stored_nowhere() -> None:
    hooked = Hooked()
    services = hooked.world.services
    renewed = services.webhooks.renew_secret(ADMIN, hooked.webhook.webhook_id)
    assert renewed.secret != hooked.webhook.secret
    hooked.enqueue()
    hooked.run()
    stored = repr(hooked.world.tables.everything())
    for secret in (hooked.webhook.secret, renewed.secret):
        key = base64.b64decode(secret.removeprefix("whsec_"))
        assert len(key) == 32
        assert secret.removeprefix("whsec_") not in stored
        assert key.hex() not in stored
    assert "secret" not in services.webhooks.show(ADMIN, renewed.webhook_id).model_dump()
    [request] = hooked.world.deliverer.posted
    assert verify(renewed.secret, dict(request.headers), request.body)
    assert "webhook-signature" not in repr(request)


def test_another_deployment_key_makes_another_secret() -> None:
    hooked = Hooked()
    other = assemble(hooked.world.ports, replace(DEPLOYMENT, secret_key=b"x" * 32), hooked.world.limits)
    mine = hooked.world.services.webhooks.key(ORGANIZATION, hooked.webhook.webhook_id)
    assert mine
    assert mine != other.webhooks.key(ORGANIZATION, hooked.webhook.webhook_id)


def test_a_webhook_gets_what_it_wants() -> None:
    hooked = Hooked()
    other_project = hooked.world.project(hooked.client_id)
    picky = hooked.create(events=[EventKind.AGENT_OFFLINE])
    whole = hooked.create(whole=True)
    off = hooked.create()
    hooked.world.services.webhooks.change(ADMIN, off.webhook_id, WebhookPatch(enabled=False))
    hooked.enqueue(
        hooked.event(1),
        hooked.event(2, kind=EventKind.AGENT_OFFLINE),
        hooked.event(3, project_id=other_project),
        hooked.event(4, organization="rival"),
    )
    counts = {each.webhook_id: len(hooked.log(each.webhook_id)) for each in (hooked.webhook, picky, whole, off)}
    assert list(counts.values()) == [2, 1, 3, 0]


def test_an_event_that_is_found_again_is_on_its_way_already() -> None:
    hooked = Hooked()
    hooked.enqueue(hooked.event(), hooked.event())
    hooked.run()
    hooked.enqueue(hooked.event())
    hooked.run()
    assert len(hooked.posted) == 1


def test_what_fails_is_tried_again_with_growing_waits_and_then_given_up() -> None:
    hooked = Hooked()
    hooked.receiver.status = 500
    hooked.enqueue()
    began, bodies = hooked.world.clock(), set()
    for number in range(1, MOST_TRIES + 1):
        hooked.run()
        hooked.run()
        [delivery] = hooked.log()
        assert delivery.tries == number
        assert delivery.code == "webhook-not-accepted"
        assert delivery.fix == CATALOGUE[ErrorCode.WEBHOOK_NOT_ACCEPTED].fix
        bodies.add(hooked.world.deliverer.posted[-1].body)
        if number < MOST_TRIES:
            assert delivery.due_at == hooked.world.clock() + timedelta(seconds=WAITS_SECONDS[number - 1])
            hooked.world.clock.forward(WAITS_SECONDS[number - 1])
    assert delivery.state is DeliveryState.GIVEN_UP
    assert delivery.due_at is None
    assert len(hooked.posted) == MOST_TRIES
    assert len(bodies) == 1
    assert timedelta(hours=20) < hooked.world.clock() - began < timedelta(hours=22)
    hooked.world.clock.forward(86_400)
    hooked.run()
    assert len(hooked.posted) == MOST_TRIES


def test_a_delivery_that_was_given_up_begins_anew_when_asked() -> None:
    hooked = Hooked()
    hooked.receiver.fault = Retryable(ErrorCode.WEBHOOK_UNREACHABLE, "down")
    hooked.enqueue()
    for _ in range(MOST_TRIES):
        hooked.run()
        hooked.world.clock.forward(50_000)
    [given_up] = hooked.log()
    assert (given_up.state, given_up.code, given_up.detail) == (DeliveryState.GIVEN_UP, "webhook-unreachable", "down")
    hooked.receiver.fault = None
    again = hooked.world.services.deliveries.again(ADMIN, hooked.webhook.webhook_id, given_up.event_id)
    assert again.state is DeliveryState.WAITING
    hooked.run()
    assert [(each.state, each.tries) for each in hooked.log()] == [(DeliveryState.DELIVERED, 1)]
    refused(
        ErrorCode.NOT_FOUND,
        lambda: hooked.world.services.deliveries.again(ADMIN, hooked.webhook.webhook_id, "evt_" + "0" * 24),
    )


@pytest.mark.parametrize("status", [199, 301, 308, 400, 410, 500])
def test_only_a_2xx_status_is_an_arrival(status: int) -> None:
    hooked = Hooked()
    hooked.receiver.status = status
    hooked.enqueue()
    hooked.run()
    [delivery] = hooked.log()
    assert (delivery.state, delivery.last_status) == (DeliveryState.WAITING, status)
    assert str(status) in delivery.detail


def test_a_host_that_turns_inside_is_not_called() -> None:
    hooked = Hooked()
    hooked.receiver.addresses = ["169.254.169.254"]
    hooked.enqueue()
    hooked.run()
    assert hooked.posted == []
    [delivery] = hooked.log()
    assert delivery.code == "webhook-address-refused"
    assert "169.254.169.254" in delivery.detail


def test_a_receiver_that_is_down_costs_one_try_a_run_and_keeps_nobody_waiting() -> None:
    hooked = Hooked()
    hooked.receiver.status = 503
    well = hooked.create("https://well.customer.example/")
    hooked.world.deliverer.receiver("well.customer.example")
    hooked.enqueue(*(hooked.event(number) for number in range(5)))
    hooked.run()
    urls = [request.url for request in hooked.world.deliverer.posted]
    assert urls.count(URL) == 1
    assert urls.count(well.url) == 5


def test_events_go_out_oldest_first() -> None:
    hooked = Hooked()
    events = [hooked.event(number) for number in range(3)]
    hooked.enqueue(events[2], events[0], events[1])
    hooked.run()
    assert hooked.posted == [event.event_id for event in events]


def test_two_instances_send_a_delivery_once() -> None:
    hooked = Hooked()
    hooked.enqueue()
    other = assemble(hooked.world.ports, DEPLOYMENT, hooked.world.limits)

    def other_is_faster(table: str, pk: str, rk: str) -> None:
        if table == "deliveries":
            hooked.world.tables.before_write = None
            other.deliveries.run(20)

    hooked.world.tables.before_write = other_is_faster
    hooked.run()
    assert len(hooked.posted) == 1
    assert [(each.state, each.tries) for each in hooked.log()] == [(DeliveryState.DELIVERED, 1)]


def test_a_delivery_whose_instance_died_is_sent_again_when_its_claim_ends() -> None:
    hooked = Hooked()
    hooked.enqueue()
    writes = 0

    def dies_before_the_result(table: str, pk: str, rk: str) -> None:
        nonlocal writes
        writes += table == "deliveries"
        if writes == 2:
            raise KeyboardInterrupt

    hooked.world.tables.before_write = dies_before_the_result
    with pytest.raises(KeyboardInterrupt):
        hooked.run()
    hooked.world.tables.before_write = None
    hooked.run()
    assert len(hooked.posted) == 1, "another instance may still be at it"
    hooked.world.clock.forward(hooked.world.limits.webhook_claim_seconds)
    hooked.run()
    assert len(hooked.posted) == 2
    assert len(set(hooked.posted)) == 1, "the receiver can tell that it has it already"
    assert [(each.state, each.tries) for each in hooked.log()] == [(DeliveryState.DELIVERED, 2)]


def test_a_fault_of_one_webhook_keeps_no_other_from_its_events() -> None:
    hooked = Hooked()
    other = hooked.create("https://well.customer.example/")
    hooked.world.deliverer.receiver("well.customer.example")
    hooked.enqueue()

    def breaks(table: str, pk: str, rk: str) -> None:
        if table == "deliveries" and hooked.webhook.webhook_id in pk:
            raise OSError

    hooked.world.tables.before_write = breaks
    hooked.run()
    assert [request.url for request in hooked.world.deliverer.posted] == [other.url]


def test_the_budget_ends_a_run_and_the_rest_waits() -> None:
    hooked = Hooked()
    hooked.enqueue(*(hooked.event(number) for number in range(4)))
    slow = hooked.world.deliverer.deliver

    def deliver(request):
        hooked.world.clock.forward(9)
        return slow(request)

    hooked.world.deliverer.deliver = deliver  # type: ignore[method-assign]
    hooked.run()
    assert len(hooked.posted) == 3
    hooked.run()
    assert len(hooked.posted) == 4


def test_what_waits_for_a_webhook_that_is_switched_off_or_deleted_is_not_sent() -> None:
    hooked = Hooked()
    deleted = hooked.create()
    hooked.enqueue()
    services = hooked.world.services
    services.webhooks.change(ADMIN, hooked.webhook.webhook_id, WebhookPatch(enabled=False))
    services.webhooks.delete(ADMIN, deleted.webhook_id)
    hooked.run()
    assert hooked.posted == []
    assert [each.state for each in hooked.log()] == [DeliveryState.WITHDRAWN]
    services.webhooks.change(ADMIN, hooked.webhook.webhook_id, WebhookPatch(enabled=True))
    hooked.run()
    assert hooked.posted == []


def test_a_new_address_holds_for_what_waits_already() -> None:
    hooked = Hooked()
    hooked.enqueue()
    hooked.world.deliverer.receiver("new.customer.example")
    changed = WebhookPatch(url="https://new.customer.example/", events=[EventKind.JOB_FAILED])
    view = hooked.world.services.webhooks.change(ADMIN, hooked.webhook.webhook_id, changed)
    assert (view.url, view.events) == ("https://new.customer.example/", [EventKind.JOB_FAILED])
    hooked.run()
    assert [request.url for request in hooked.world.deliverer.posted] == ["https://new.customer.example/"]


def test_a_test_is_sent_at_once_also_to_one_that_is_off_and_is_tried_once() -> None:
    hooked = Hooked()
    services = hooked.world.services
    services.webhooks.change(ADMIN, hooked.webhook.webhook_id, WebhookPatch(enabled=False))
    shown = services.deliveries.test(ADMIN, hooked.webhook.webhook_id)
    assert (shown.state, shown.kind, shown.last_status) == (DeliveryState.DELIVERED, EventKind.TEST, 204)
    body = json.loads(hooked.world.deliverer.posted[0].body)
    assert (body["type"], body["summary"]) == ("test", "Ada sent this test.")
    hooked.receiver.status = 404
    hooked.world.clock.forward(1)
    assert services.deliveries.test(ADMIN, hooked.webhook.webhook_id).state is DeliveryState.GIVEN_UP
    hooked.world.clock.forward(86_400)
    hooked.run()
    assert len(hooked.posted) == 2
    assert [each.state for each in hooked.log()] == [DeliveryState.GIVEN_UP, DeliveryState.DELIVERED]


def test_webhooks_of_everything_are_for_administrators_of_everything() -> None:
    hooked = Hooked()
    services = hooked.world.services
    body = WebhookCreate(url=URL)
    refused(ErrorCode.ROLE_INSUFFICIENT, lambda: services.webhooks.create(OPERATOR, body))
    refused(ErrorCode.ROLE_INSUFFICIENT, lambda: services.webhooks.create(limited(hooked.client_id, Role.ADMIN), body))
    whole = services.webhooks.create(ADMIN, body)
    refused(ErrorCode.ROLE_INSUFFICIENT, lambda: services.webhooks.delete(OPERATOR, whole.webhook_id))
    refused(ErrorCode.ROLE_INSUFFICIENT, lambda: services.deliveries.test(OPERATOR, whole.webhook_id))
    refused(ErrorCode.NOT_FOUND, lambda: services.webhooks.show(limited(hooked.client_id), whole.webhook_id))
    assert services.webhooks.show(OPERATOR, whole.webhook_id).project_id is None
    mine = services.webhooks.create(OPERATOR, WebhookCreate(url=URL, project_id=hooked.project_id))
    assert mine.project_name == "Move"
    assert [each.webhook_id for each in services.webhooks.list(OPERATOR, LIST, hooked.project_id).items] == [
        hooked.webhook.webhook_id,
        mine.webhook_id,
    ]


def test_there_are_only_so_many_webhooks() -> None:
    hooked = Hooked(Limits(webhooks_most=2))
    hooked.create()
    refused(ErrorCode.WEBHOOK_LIMIT_REACHED, hooked.create)
    hooked.create(whole=True)


@pytest.mark.parametrize("url", ["http://hooks.example.com/", "https://10.0.0.1/", "https://localhost/"])
def test_an_address_that_cannot_be_public_is_refused_when_it_is_typed(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        WebhookCreate(url=url)
    assert "The address of the webhook" in str(caught.value)


def test_a_test_cannot_be_chosen_as_a_kind() -> None:
    with pytest.raises(ValidationError):
        WebhookCreate(url=URL, events=[EventKind.TEST])
    chosen = WebhookCreate.model_validate_json(json.dumps({"url": URL, "events": ["scan-stalled", "job-failed"]}))
    assert chosen.events == [EventKind.JOB_FAILED, EventKind.SCAN_STALLED]


def test_the_log_reaches_back_thirty_days() -> None:
    hooked = Hooked()
    hooked.enqueue()
    hooked.run()
    hooked.world.clock.forward(hooked.world.limits.delivery_retention_seconds + 1)
    hooked.world.services.sweeps.run()
    assert hooked.log() == []


@given(st.from_regex(WebhookCreate.model_json_schema()["properties"]["url"]["pattern"], fullmatch=True))
def test_every_address_that_the_description_promises_is_taken(url: str) -> None:
    assert WebhookCreate(url=url).url == url
