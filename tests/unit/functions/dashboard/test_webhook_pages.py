"""The pages about events and webhooks: who may do what, what is said, and what a form makes."""

from __future__ import annotations

import pytest
from markupsafe import escape
from pydantic import ValidationError

from functions.dashboard.webhook_page import WebhookEditForm, WebhookForm, WebhookSwitchForm
from functions.domain.event import EventKind
from tests.unit.functions.dashboard.sample_webhook_pages import WEBHOOK_ID, WEBHOOK_PAGES, events


def page(name: str) -> str:
    return WEBHOOK_PAGES[name]()


def test_each_kind_of_event_is_shown_with_its_fix_and_a_way_to_it() -> None:
    text = page("events")
    for event in events():
        assert event.summary in text
        assert not event.fix or str(escape(event.fix)) in text
    assert 'rel="next"' in text


def test_a_reader_sees_webhooks_and_can_do_nothing() -> None:
    for name in ("webhooks-reader", "webhook-reader"):
        assert "<form" not in page(name)
        assert "csrf_token" not in page(name)
    assert "A project that was deleted" in page("webhooks-reader")


def test_only_the_secret_page_shows_a_secret() -> None:
    assert [name for name in WEBHOOK_PAGES if "whsec_" in page(name)] == ["webhook-secret"]


def test_a_test_says_what_became_of_it() -> None:
    assert "The test arrived" in page("webhook-tested")
    failed = page("webhook-test-failed")
    assert "The test did not arrive" in failed
    assert "Make the receiver answer with a 2xx status." in failed


def test_what_was_given_up_can_be_sent_again_and_what_waits_cannot() -> None:
    text = page("webhook")
    again = [number for number in range(1, 5) if f"/webhooks/{WEBHOOK_ID}/deliveries/evt_{number:024x}/retry" in text]
    assert again == [2, 3, 4]


def test_a_refused_form_keeps_what_was_typed_and_ticked() -> None:
    text = page("webhooks-refused")
    assert "http://10.0.0.1/" in text
    assert "It must begin with https://." in text
    assert 'value="job-failed" checked' in text
    assert 'value="agent-offline" checked' not in text


def test_a_form_makes_the_body_of_the_apis_call() -> None:
    form = WebhookForm(url=" https://hooks.example.com/a ", project_id="all", events=["scan-stalled", "job-failed"])
    assert (form.body().url, form.body().project_id) == ("https://hooks.example.com/a", None)
    assert form.body().events == [EventKind.JOB_FAILED, EventKind.SCAN_STALLED]
    assert WebhookForm(url="https://a.example/", project_id="prj_p3v8c5n1r6tz").body().project_id == "prj_p3v8c5n1r6tz"
    assert WebhookEditForm(url="https://a.example/").body().events == []
    assert WebhookSwitchForm(enabled="true").body().enabled is True


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"project_id": "all"}, "url", "Enter the address of your receiver"),
        ({"url": "https://127.0.0.1/", "project_id": "all"}, "url", "its host must be a full public name"),
        ({"url": "https://a.example/"}, "project_id", "Choose whose events are sent."),
        ({"url": "https://a.example/", "project_id": "all", "events": ["x"]}, "events", "Input should be"),
    ],
)
def test_a_wrong_field_says_what_to_do(values: dict[str, object], field: str, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        WebhookForm.model_validate(values)
    [error] = caught.value.errors()
    assert error["loc"][0] == field
    assert said in error["msg"]
