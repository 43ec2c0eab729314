"""The forms of an import: what a browser sends becomes what the services take, or a sentence beside the field."""

from __future__ import annotations

from datetime import date

import pytest

from functions.dashboard.fund_map_page import FundsForm, map_rows, suggestion
from functions.dashboard.import_form import ImportForm, typed_from
from functions.dashboard.import_form_page import status_rows, type_options
from functions.dashboard.rockrms_forms import (
    CheckForm,
    GoneForm,
    MissionConnectionForm,
    RockConnectionForm,
    TraceForm,
    ZoneForm,
    without_secrets,
)
from functions.triggers.edge_request import RequestInvalid, validated
from migrate_contract.errors import ErrorCode
from migrate_contract.problem import problem_for
from migrate_contract.rockrms import Entity, FundAnswer, FundChoice, GoneAnswer, StatusMeaning
from tests.unit.functions.dashboard import sample_imports as i
from tests.unit.functions.dashboard import samples as s

TYPED = {
    "name": ["Import"],
    "agent_id": [s.AGENT],
    "dry_run_first": ["true"],
    "entities": ["contributions", "people"],
    "campus_ids": ["2", "1"],
    "include_without_campus": ["true"],
    "date_range_start": ["2015-01-01"],
    "time_zone": ["America/Chicago"],
    "currency": ["usd"],
    "transaction_types": [i.EVENT],
    "status": ["Pending|not_gift", "Odd|one|", "Other|gift"],
}


def read(form, values):
    return validated(form, values, blank_is_absent=True)


def errors_of(form, values):
    with pytest.raises(RequestInvalid) as refused:
        read(form, values)
    return {error.field.partition(".")[0]: error.message for error in refused.value.errors}


def test_an_import_as_typed():
    created = read(ImportForm, TYPED).create(s.PROJECT)
    settings = created.rockrms
    assert created.agent_id == s.AGENT
    assert settings.entities == [Entity.PEOPLE, Entity.CONTRIBUTIONS]
    assert settings.campus_ids == [1, 2]
    assert settings.date_range_start == date(2015, 1, 1)
    assert settings.currency == "USD"
    assert settings.transaction_types == [i.EVENT]
    assert settings.statuses == {"Pending": StatusMeaning.NOT_GIFT, "Other": StatusMeaning.GIFT}
    assert settings.dry_run


def test_the_least_that_can_be_typed():
    settings = read(ImportForm, {"name": ["x"], "entities": ["people"], "time_zone": ["UTC"]}).settings()
    assert not settings.dry_run
    assert settings.include_without_campus, "without a campus filter everything is in scope"
    assert settings.date_range_start is None


@pytest.mark.parametrize(
    ("field", "texts"),
    [
        ("entities", []),
        ("entities", ["plants"]),
        ("campus_ids", ["north"]),
        ("date_range_start", ["31.1.2024"]),
        ("time_zone", ["Central"]),
        ("currency", ["dollar"]),
        ("transaction_types", ["event"]),
        ("status", ["Pending|maybe"]),
        ("agent_id", ["agent 7"]),
        ("name", [""]),
    ],
)
def test_a_wrong_field_is_refused_by_a_sentence(field, texts):
    errors = errors_of(ImportForm, {**TYPED, field: texts})
    assert list(errors) == [field]
    assert errors[field].endswith(".")


def test_a_job_fills_its_form_and_keeps_what_the_form_does_not_show():
    before = i.settings(
        batch_size=100,
        campus_ids=[3],
        dry_run=True,
        date_range_start=date(2020, 2, 29),
        statuses={"Pending": StatusMeaning.GIFT},
    )
    typed = {name: list(texts) for name, texts in typed_from(i.job(), before).items()}
    after = read(ImportForm, typed).settings(before)
    assert after.settings() == before
    decided = read(ImportForm, {**typed, "status": ["Pending|"]}).settings(before)
    assert decided.statuses == {}


def test_statuses_are_those_that_were_found_or_decided():
    rows = status_rows(i.dry_run(), i.settings(statuses={"Old": StatusMeaning.NOT_GIFT}))
    assert [(row.status, row.chosen) for row in rows] == [("Pending", "Pending|"), ("Old", "Old|not_gift")]
    assert rows[0].hint == "4 lines, 210.00 USD"


def test_types_are_those_of_the_last_test_of_the_last_report_and_those_in_use():
    test = i.rock_found()
    assert type_options(test, None, []) == [(i.EVENT, "Event Registration (412 lines)")]
    nothing = test.model_copy(update={"transaction_types": []})
    assert type_options(nothing, i.dry_run(), []) == [(i.EVENT, "Event Registration (412 lines)")]
    assert type_options(nothing, None, [i.GENERAL]) == [(i.GENERAL, f"Type {i.GENERAL}")]


def test_the_fund_map_is_saved_whole():
    kept = [
        FundChoice(account_guid=i.INSTALL, choice=FundAnswer.NEW),
        FundChoice(account_guid=i.GENERAL, choice=FundAnswer.NEW),
    ]
    form = read(FundsForm, {"fund": [f"{i.GENERAL}|same", f"{i.MISSIONS}|other|f|200"]})
    assert form.body(kept).funds == [
        FundChoice(account_guid=i.GENERAL, choice=FundAnswer.SAME),
        FundChoice(account_guid=i.MISSIONS, choice=FundAnswer.OTHER, external_fund_id="f|200"),
        kept[0],
    ]


@pytest.mark.parametrize("choice", ["", "x|same", f"{i.GENERAL}|other", f"{i.GENERAL}|same|f-1", f"{i.GENERAL}|best"])
def test_a_fund_that_the_page_does_not_offer_is_refused(choice):
    assert "fund" in errors_of(FundsForm, {"fund": [choice, "y"]})


def test_a_suggestion_of_a_fund_that_mission_lost_is_a_new_one():
    fund = i.report().funds[1].model_copy(update={"suggested": FundAnswer.OTHER})
    assert suggestion(fund, i.MISSION_FUNDS).external_fund_id == "f-200"
    assert suggestion(fund, []).choice is FundAnswer.NEW


def test_a_saved_fund_that_mission_lost_is_still_shown_as_saved():
    rows = map_rows(i.report(), i.known(mission_funds=[]))
    missions = next(row for row in rows if row.name == "Missions")
    assert missions.decided
    assert missions.chosen == f"{i.MISSIONS}|other|f-200"
    assert any("not known in Mission now" in text for _, options in missions.options for _, text in options)


def test_decisions_about_gone_records_keep_those_that_were_not_shown():
    body = read(GoneForm, {"decision": [f"{i.LINE}:77|void"]}).body(i.report(False).gone)
    assert {each.external_id: each.decision for each in body.gone or []} == {
        f"{i.LINE}:77": GoneAnswer.VOID,
        f"{i.LINE}:78": GoneAnswer.KEEP,
    }
    undone = read(GoneForm, {"decision": [f"{i.LINE}:78|"]}).body(i.report(False).gone)
    assert undone.gone == []


@pytest.mark.parametrize("decision", ["x", f"{i.LINE}:77|burn", "|keep"])
def test_a_decision_that_the_page_does_not_offer_is_refused(decision):
    assert "decision" in errors_of(GoneForm, {"decision": [decision]})


def test_connections_as_typed():
    body = read(RockConnectionForm, {"agent_id": [s.AGENT], "connection": [" Server=x;\r\nDatabase=y "]}).body()
    assert body.connection_string == "Server=x;\r\nDatabase=y"
    mission = read(MissionConnectionForm, {"url": ["https://m.example"], "integration_key": ["12345678"]}).body()
    assert (mission.url, mission.integration_key) == ("https://m.example", "12345678")
    assert "12345678" not in repr(mission)
    assert read(CheckForm, {"agent_id": [""]}).body().agent_id is None


def test_a_secret_is_in_no_error_and_in_no_page():
    long = "Password=hunter2;" * 400
    errors = errors_of(RockConnectionForm, {"agent_id": [s.AGENT], "connection": [long]})
    assert "hunter2" not in str(errors)
    problem = problem_for(ErrorCode.REQUEST_INVALID, "Wrong: connection", "5c1f0e2b9a7d")
    form = without_secrets({"agent_id": [s.AGENT], "connection": [long]}, errors, problem)
    assert form.values == {"agent_id": [s.AGENT]}
    assert form.errors == errors
    assert list(errors_of(MissionConnectionForm, {"url": ["https://m.example"], "integration_key": ["a b c d e"]})) == [
        "integration_key"
    ]


def test_a_refusal_of_the_services_stands_at_its_field():
    problem = problem_for(ErrorCode.SQL_CONNECTION_STRING_INVALID, "It names no database.", "5c1f0e2b9a7d")
    assert without_secrets({}, {}, problem).errors == {"connection": "It names no database."}
    other = problem_for(ErrorCode.AGENT_OFFLINE, "church-01 is offline.", "5c1f0e2b9a7d")
    assert without_secrets({"agent_id": [s.AGENT]}, {}, other).errors == {}


@pytest.mark.parametrize("text", ["", "abc", "-1", "1.5", "9" * 16])
def test_a_trace_needs_a_number(text):
    assert "source_id" in errors_of(TraceForm, {"entity": ["people"], "source_id": [text]})


def test_a_trace_as_typed():
    body = read(TraceForm, {"entity": ["prayer-requests"], "source_id": ["12"]}).body(i.JOB)
    assert (body.entity, body.source_id, body.job_id) == (Entity.PRAYER_REQUESTS, 12, i.JOB)


def test_a_time_zone_is_one():
    assert read(ZoneForm, {"time_zone": ["America/Phoenix"]}).patch().time_zone == "America/Phoenix"
    assert "time_zone" in errors_of(ZoneForm, {"time_zone": ["Phoenix"]})
