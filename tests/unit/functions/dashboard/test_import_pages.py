"""What the pages of an import say, offer and keep to themselves."""

from __future__ import annotations

import pytest

from functions.dashboard.badges import job_badges, was_dry_run
from functions.dashboard.import_bar import entity_lines, totals
from functions.dashboard.import_lists import compared
from functions.dashboard.import_page import import_live
from functions.dashboard.import_report import ordered, verdict_of
from functions.dashboard.import_words import ENTITY_WORDS, MEASURE_WORDS, Part, amount, figure
from functions.dashboard.rockrms_cards import rock_card
from functions.dashboard.trace_links import trace_address
from functions.domain.views import ImportResultView
from functions.triggers.pages_imports import policy_of
from migrate_contract.certificate import certificate_html
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import JobState, Outcome
from migrate_contract.rockrms import Entity, EntityProgress, Evidence, Stage, Verdict
from tests.unit.functions.dashboard import sample_imports as i
from tests.unit.functions.dashboard import samples as s
from tests.unit.functions.dashboard.sample_import_pages import IMPORT_PAGES, TYPED_SECRET
from tests.unit.functions.dashboard.test_pages import Reader

MAX_FRAGMENT_BYTES = 14 * 1024


def words(name: str) -> str:
    return Reader(IMPORT_PAGES[name]()).words


def test_every_entity_is_in_the_live_table_and_adds_up():
    lines = entity_lines(i.entity_progress())
    assert [line.entity for line in lines] == [entity.value for entity in ENTITY_WORDS]
    for line in lines:
        assert sum(count for _, count in line.counts) == line.in_scope
    assert totals(i.entity_progress()) == (5_204 + 1_911 + 240 + 30_103, 117_397)


def test_the_bar_of_an_entity_shows_one_error_in_a_million():
    line = entity_lines([EntityProgress(entity=Entity.PEOPLE, in_scope=10**6, imported=10**6 - 1, errored=1)])[0]
    errored = next(part for part in line.segments if part.part is Part.ERRORED)
    assert errored.width >= 0.5
    assert sum(part.width for part in line.segments) == pytest.approx(100, abs=0.1)
    assert "1 errored" in line.sentence


def test_the_live_part_is_small_and_asks_again_only_while_there_is_something_to_come():
    page = import_live(s.frame(), s.NOW, i.job())
    assert len(page.encode()) < MAX_FRAGMENT_BYTES
    assert "every 10s" in page
    assert "as of" in Reader(page).words
    assert "hx-get" not in import_live(s.frame(), s.NOW, i.ended(True))


@pytest.mark.parametrize(
    ("match", "label", "tone"),
    [
        (True, "Completed", "ok"),
        (False, "Completed, numbers differ", "bad"),
        (None, "Completed, not verified", "warn"),
    ],
)
def test_only_an_import_whose_numbers_agree_looks_green(match, label, tone):
    (badge,) = job_badges(i.ended(match))
    assert (badge.label, badge.tone) == (label, tone)


def test_a_match_with_errors_or_of_an_older_attempt_is_not_green_either():
    assert job_badges(i.ended(True, outcome=Outcome.COMPLETE_WITH_FAILURES))[0].tone == "warn"
    assert job_badges(i.ended(True, attempt=2))[0].label == "Completed, not verified"
    assert job_badges(i.job(JobState.COMPLETED))[0].tone == "warn"


def test_a_dry_run_leads_to_the_import_also_after_its_settings_were_changed():
    of_dry_run = ImportResultView(
        attempt=1,
        stage=Stage.DRY_RUN,
        evidence=Evidence.ACKNOWLEDGED,
        financial_match=None,
        quality_score=None,
        reason="",
        gone=0,
        received_at=s.NOW,
    )
    changed = i.ended(None, import_result=of_dry_run)
    assert was_dry_run(changed)
    assert job_badges(changed)[0].label == "Dry run complete"
    forms = [form["action"] for form in Reader(import_live(s.frame(), s.NOW, changed)).all("form")]
    assert f"/jobs/{i.JOB}/import-now" in forms
    assert not was_dry_run(i.ended(True))
    assert not was_dry_run(i.job())


def test_what_a_dry_run_would_send_is_said_and_asked_for_only_while_it_works():
    text = words("import-dry-run")
    assert "79,939 records" in text
    assert "to send, of 117,397 in scope" in text
    record = next(tag for tag in Reader(IMPORT_PAGES["import-dry-run"]()).all("div") if tag.get("id") == "record")
    assert "hx-trigger" not in record


@pytest.mark.parametrize(
    ("report", "title", "tone"),
    [
        (i.report(True), "The numbers agree", "ok"),
        (i.report(False), "The numbers differ", "bad"),
        (i.report(None), "Accepted by Mission, not verified", "warn"),
        (i.report(None, evidence=Evidence.MISSION), "Not verified", "warn"),
        (i.dry_run(), "Dry run", "accent"),
    ],
)
def test_the_verdict_in_words_and_colour(report, title, tone):
    shown = verdict_of(report)
    assert (shown.title, shown.tone) == (title, tone)
    assert shown.certified == (report.stage is not Stage.DRY_RUN)


def test_rows_that_differ_are_on_top_and_funds_by_year_before_the_rest():
    rows = ordered(i.report(False).rows)
    assert [row.verdict for row in rows] == [Verdict.DIFFERS, Verdict.MATCH, Verdict.MATCH]
    assert [row.measure for row in rows] == ["fund_year_net", "fund_year_net", "records"]
    text = words("import-differs")
    assert text.index("Missions, 2026") < text.index("General Fund, 2025") < text.index("All people")
    assert "12.30 in RockRMS, 12.29 in Mission" in text
    assert "1 differs" in text
    assert MEASURE_WORDS["fund_year_net"] in text


def test_the_bridge_says_what_is_left():
    assert "Nothing is left unexplained" in words("import-agrees")
    assert "Unexplained: -0.01 USD" in words("import-differs")
    assert "Before 2015-01-01" in words("import-agrees")


def test_errors_are_grouped_with_a_sample_a_fix_and_the_way_to_the_list():
    read = Reader(IMPORT_PAGES["import"]())
    assert read.words.index("Mission refused a record") < read.words.index("A gift's amount is not positive")
    assert "For example FinancialTransactionDetail 4711: Mission says: fund f-999 is closed" in read.words
    links = {link.get("href") for link in read.all("a")}
    assert f"/jobs/{i.JOB}/log?kind=errored&entity=contributions&code=mission-record-refused" in links


def test_the_list_shows_missions_answer_and_leads_to_a_trace():
    read = Reader(IMPORT_PAGES["import-log"]())
    assert "req-5c1f0e2b" in read.words
    assert '{"status":"refused","code":"fund_closed"}' in read.words
    assert f"/jobs/{i.JOB}/trace?entity=contributions&source_id=4711" in {link.get("href") for link in read.all("a")}
    pager = next(link["href"] for link in read.all("a") if link.get("rel") == "next")
    assert pager == f"/jobs/{i.JOB}/log?kind=errored&entity=contributions&continuation=next%20page"


def test_what_is_gone_can_be_kept_and_gifts_can_be_voided():
    read = Reader(IMPORT_PAGES["import-differs"]())
    decisions = [field for field in read.all("select") if field.get("name") == "decision"]
    assert len(decisions) == 3
    offered = {option["value"] for option in read.all("option")}
    assert f"{i.LINE}:77|void" in offered
    assert f"rock:{i.INSTALL}:Person:9|keep" in offered
    assert f"rock:{i.INSTALL}:Person:9|void" not in offered
    chosen = [option["value"] for option in read.all("option") if "selected" in option]
    assert f"{i.LINE}:78|keep" in chosen
    assert f"{i.LINE}:77|" in chosen


def test_the_card_names_server_port_database_and_user_and_no_password():
    text = words("church")
    for part in ("sql01.grace.example", "1433", "RockRMS", "onemigrate", "the system's keyring"):
        assert part in text
    assert "password" not in {field.get("name") for field in Reader(IMPORT_PAGES["church"]()).all("input")}


@pytest.mark.parametrize("name", ["rockrms-connection-refused", "mission-connection-refused"])
def test_what_may_be_a_secret_never_comes_back(name):
    page = IMPORT_PAGES[name]()
    assert TYPED_SECRET not in page
    assert "hunter2" not in page
    assert Reader(page).all("textarea", "input")


def test_a_test_that_waits_says_for_what_and_works_without_script():
    text = words("church-asked")
    assert "fileserver-01 answers on its next heartbeat" in text
    assert "Look again" in text
    assert "every 3s" in IMPORT_PAGES["church-asked"]()
    assert "every 10s" in IMPORT_PAGES["church"]()


def test_a_test_that_failed_has_title_cause_fix_and_details():
    text = words("church-test-refused")
    assert "The login may not read the RockRMS tables" in text
    assert "FinancialTransactionDetail" in text
    assert "grant-script" in text
    assert "Mission refuses the integration key" in text
    assert "has not answered within 120 seconds" in words("church-test-silent")


def test_a_connection_that_was_forgotten_is_not_shown_as_working():
    card = rock_card(i.church(), i.known(held=[]))
    assert (card.badge.label, card.test) == ("Not connected", None)
    refused = rock_card(i.church(), i.known(held=[], rock_test=i.rock_failed(ErrorCode.NO_ROCKRMS_CONNECTION, "none")))
    assert refused.test is not None


def test_a_test_that_worked_says_versions_rows_campuses_and_asks_for_the_zone():
    text = words("church-zone-asked")
    for part in ("Microsoft SQL Server 2019", "16.4", "48,210", "Main, North (inactive)", "Time zone of the church"):
        assert part in text
    assert "Its campuses say America/Chicago" in text


def test_the_form_says_beforehand_what_is_missing():
    page = IMPORT_PAGES["import-form-unconnected"]()
    assert "NO_MISSION_CONNECTION" in page
    assert "no-rockrms-connection" in page
    assert "NO_MISSION_CONNECTION" not in IMPORT_PAGES["import-form"]()


def test_suggested_funds_are_chosen_and_missing_ones_marked():
    read = Reader(IMPORT_PAGES["import-funds"]())
    chosen = [option["value"] for option in read.all("option") if "selected" in option]
    assert chosen == [f"{i.BUILDING}|new", f"{i.GENERAL}|same", f"{i.MISSIONS}|other|f-200"]
    assert read.words.count("Not in Mission yet") == 1
    assert "2 funds are not decided" in read.words


@pytest.mark.parametrize("name", ["church-reader", "import-reader", "import-funds-reader"])
def test_a_reader_is_offered_nothing_that_changes(name):
    read = Reader(IMPORT_PAGES[name]())
    assert read.all("select", "textarea", "button") == []
    assert read.all("form") == []


def test_a_trace_shows_both_sides_the_rules_and_the_batch():
    text = words("import-trace")
    for part in ("12.30", "12.29", "(not shown)", "sent without a donor", "contributions-1-88", "1 copy"):
        assert part in text
    assert "amount Differs 12.30 12.29" in text
    assert "answers on its next heartbeat" in words("import-trace-asked")
    alone = i.trace(mission=[])
    assert not any(field.differs for field in compared(alone))


def test_the_certificates_style_is_let_in_by_its_hash_and_nothing_else():
    document = certificate_html(i.report(True), project="RockRMS to Mission", client="Grace", signed_for=None)
    policy = policy_of(document)
    assert policy.count("'sha256-") == 1
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1204331.50", "1,204,331.50"),
        ("-12.30", "-12.30"),
        ("5190", "5,190"),
        ("-3", "-3"),
        (None, "–"),
        ("a|b", "a|b"),
    ],
)
def test_values_of_a_row_are_money_numbers_or_text(value, shown):
    assert figure(value) == shown
    assert amount("0.00", "EUR") == "0.00 EUR"


def test_an_import_in_the_jobs_list_counts_records():
    assert "of 117,397 records" in words("church")


def test_a_project_that_imports_needs_no_azure_storage():
    steps = [item["data-step"] for item in Reader(IMPORT_PAGES["church-kept"]()).all("li") if item.get("data-step")]
    assert steps == ["done", "next", "later", "later"]
    assert "Connect Azure Storage" not in words("church-kept")
    assert "Church data" in words("church-offered")


def test_a_reader_of_the_job_page_may_look_at_everything():
    read = Reader(IMPORT_PAGES["import-reader"]())
    links = {link.get("href") for link in read.all("a")}
    for part in ("certificate", "rows", "quality", "log"):
        assert f"/jobs/{i.JOB}/{part}" in links


@pytest.mark.parametrize(
    ("record", "entity", "query"),
    [
        (f"{i.LINE}:4711: 12.30 in RockRMS", None, "entity=contributions&source_id=4711"),
        (f"rock:{i.INSTALL}:Person:9", None, "entity=people&source_id=9"),
        (f"rock:{i.INSTALL}:Group:9", Entity.FAMILIES, "entity=families&source_id=9"),
        (f"rock:{i.INSTALL}:Group:9", Entity.CONTRIBUTIONS, ""),
        (f"rock:{i.INSTALL}:FinancialAccount:{i.GENERAL}", None, ""),
        ("a batch of 2024", None, ""),
    ],
)
def test_a_record_named_in_a_report_leads_to_its_trace(record, entity, query):
    assert trace_address(i.JOB, record, entity) == (f"/jobs/{i.JOB}/trace?{query}" if query else "")


def test_rows_that_differ_lead_to_the_traces_of_their_records():
    links = {link.get("href") for link in Reader(IMPORT_PAGES["import-differs"]()).all("a")}
    assert f"/jobs/{i.JOB}/trace?entity=contributions&source_id=4711" in links
