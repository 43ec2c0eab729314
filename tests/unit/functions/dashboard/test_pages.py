"""Every page renders with nothing undefined, keeps to the policy, and says what it must say."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from functions.dashboard.confirmations import is_name
from functions.dashboard.flashes import Done, after, flash_for
from functions.dashboard.home_page import home
from functions.dashboard.job_page import first_bucket, job_live
from functions.dashboard.rendering import STATIC
from functions.domain.caller import Role
from functions.domain.views import JobAction
from migrate_contract.agents import AgentState
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import Bucket, JobState
from tests.unit.functions.dashboard import samples
from tests.unit.functions.dashboard.sample_pages import FRAGMENTS, PAGES

VOID = frozenset({"meta", "link", "input", "img", "br", "hr", "rect"})
WHOLE = [name for name in PAGES if name not in FRAGMENTS]
SIGNED = ("/reconnect/", "/mail/unsubscribe/")
"""Forms with the right to act in their address."""
MAX_FRAGMENT_BYTES = 8 * 1024


class Reader(HTMLParser):
    """Collects what the tests ask about; notes tags that are not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.wrong: list[str] = []
        self.feed(html)
        self.close()
        self.wrong += self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if self._open and self._open[-1] == tag:
            self._open.pop()
        else:
            self.wrong.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data):
        if self._open and self._open[-1] == "script":
            self.scripts.append(data)
        else:
            self.text.append(data)

    def all(self, *names):
        return [attributes for tag, attributes in self.tags if tag in names]

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


@pytest.fixture(params=sorted(PAGES))
def read(request):
    return Reader(PAGES[request.param]())


def words(name):
    return Reader(PAGES[name]()).words


def test_tags_are_closed_in_order(read):
    assert read.wrong == []


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(read):
    assert [script for script in read.scripts if script.strip()] == []
    for tag, attributes in read.tags:
        assert tag != "style"
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith(("on", "hx-on"))], tag
        source = attributes.get("src") or (attributes.get("href") if tag in ("link", "use") else None)
        assert source is None or source.startswith("/static/"), source


def test_every_field_has_a_label_and_every_id_is_there_once(read):
    ids = [attributes["id"] for _, attributes in read.tags if attributes.get("id")]
    assert len(ids) == len(set(ids)), sorted({name for name in ids if ids.count(name) > 1})
    labelled = {attributes.get("for") for attributes in read.all("label")}
    for field in read.all("input", "select", "textarea"):
        assert field.get("type") == "hidden" or field.get("id") in labelled, field
    for _, attributes in read.tags:
        for name in ("aria-describedby", "aria-labelledby"):
            for target in (attributes.get(name) or "").split():
                assert target in ids, (name, target)


def test_every_form_that_posts_carries_the_token(read):
    posts = [form for form in read.all("form") if form.get("method") == "post"]
    posts = [form for form in posts if not form["action"].startswith(SIGNED)]
    tokens = [field for field in read.all("input") if field.get("name") == "csrf_token"]
    assert len(tokens) == len(posts)
    assert all(form["action"].startswith("/") for form in posts)


@pytest.mark.parametrize("name", WHOLE)
def test_a_page_has_its_landmarks(name):
    read = Reader(PAGES[name]())
    assert len(read.all("h1")) == 1
    assert [len(read.all(tag)) for tag in ("header", "main", "footer")] == [1, 1, 1]
    assert any(link.get("href") == "#main" for link in read.all("a"))


def test_what_people_typed_is_escaped():
    page = job_live(samples.frame(), samples.NOW, samples.job(name="<script>alert(1)</script>"))
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_the_live_part_is_small():
    for job in (
        samples.job(),
        samples.busy_job(),
        samples.created_job(),
        samples.failed_job(),
        samples.partly_completed_job(),
    ):
        page = job_live(samples.frame(), samples.NOW, job)
        assert len(page.encode()) < MAX_FRAGMENT_BYTES


@pytest.mark.parametrize("state", list(JobState))
def test_only_an_unfinished_job_is_asked_for_again(state):
    polls = "hx-get" in job_live(samples.frame(), samples.NOW, samples.job(state))
    assert polls == (state not in (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED))


@pytest.mark.parametrize("action", [JobAction.PAUSE, JobAction.RESUME, JobAction.APPROVE, JobAction.RERUN])
def test_a_button_is_there_only_where_the_action_is_possible(action):
    with_it = Reader(job_live(samples.frame(), samples.NOW, samples.job(actions=[action])))
    without = Reader(job_live(samples.frame(), samples.NOW, samples.job(actions=[])))
    target = f"/jobs/{samples.JOB}/{action.value}"
    assert [form["action"] for form in with_it.all("form")] == [target]
    assert without.all("form") == []


def test_a_reader_is_offered_nothing_that_changes():
    frame = samples.frame(role=Role.READER)
    every = job_live(frame, samples.NOW, samples.job(actions=list(JobAction)))
    assert Reader(every).all("form", "button") == []
    assert "New job" not in words("home-reader")


def test_the_buckets_stand_beside_the_bar():
    text = words("job")
    for part in ("Transferred 21,467", "Unchanged 8,310", "Excluded 1,204", "Unsupported 11", "Failed 3"):
        assert part in text
    assert "48,897 files" in text
    assert "as of 7 s ago" in text


def test_files_that_are_counted_but_not_listed_yet_are_asked_for_again():
    listed = next(tag for tag in Reader(PAGES["job"]()).all("div") if tag.get("id") == "record")
    late = next(tag for tag in Reader(PAGES["job-unconfirmed"]()).all("div") if tag.get("id") == "record")
    settled = next(tag for tag in Reader(PAGES["job-completed"]()).all("div") if tag.get("id") == "record")
    assert listed["hx-trigger"] == "job-changed from:body"
    assert late["hx-trigger"] == "job-changed from:body, every 10s"
    assert "hx-trigger" not in settled


def test_a_wish_is_shown_until_it_is_done():
    text = words("job-wish")
    assert "Pause asked, not done yet" in text
    assert "agent offline since 14:02 UTC" in text


def test_a_failure_has_its_code_and_its_fix():
    text = words("job-failed")
    assert "NO_AZURE_CONNECTION" in text
    assert "Open the project, connect Azure Storage, then rerun the job." in text


def test_the_form_says_beforehand_that_the_connection_is_missing():
    page = PAGES["job-form-unconnected"]()
    assert "NO_AZURE_CONNECTION" in page
    assert f'href="/projects/{samples.PROJECT}"' in page


def test_a_refused_form_keeps_what_was_typed_and_says_what_is_wrong_at_the_field():
    read = Reader(PAGES["job-form-refused"]())
    container = next(field for field in read.all("input") if field.get("name") == "container")
    assert container["value"] == "Grace Files"
    assert container["aria-invalid"] == "true"
    assert container["aria-describedby"].split()[0] == "container-error"
    assert "3 to 63 lower-case letters" in read.words
    assert any(box.get("checked", "no") is None for box in read.all("input") if box.get("name") == "hold_after_scan")
    assert "**/*.docx" in read.words


def test_a_refused_form_leads_to_the_first_field_that_is_wrong():
    read = Reader(PAGES["job-form-refused"]())
    assert [field["name"] for field in read.all("input") if "autofocus" in field][:1] == ["source_path"]


def test_filters_are_folded_up_until_one_is_set():
    def folded(page):
        return next(box for box in Reader(PAGES[page]()).all("details") if box.get("id") == "more-filters")

    assert "open" not in folded("job-form")
    assert "open" in folded("job-edit-filters")
    typed = {box["name"]: box["value"] for box in Reader(PAGES["job-edit-filters"]()).all("input") if "value" in box}
    assert (typed["min_size"], typed["max_size"], typed["max_depth"]) == ("1 KiB", "5 GB", "12")
    assert typed["modified_after"].startswith("2024-")
    assert typed["manifest"] == "/srv/lists/first wave.csv"
    assert "Thumbs.db" in words("job-form"), "what is left out by default is said"


def test_every_filter_is_on_the_jobs_page():
    text = words("job-ready")
    for part in ("1 KiB or more, at most 5 GB", "at or after 2024-", "12 levels", "hidden files", "first wave.csv"):
        assert part in text
    assert "By default 21 patterns left out ~$* .~lock.* Thumbs.db" in text


def test_the_report_names_the_rules_that_left_files_out():
    text = words("job-partly")
    assert "excluded by '*.0': 20" in text
    assert "excluded by '*.11': 9" in text
    assert "and 2 more rules" in text
    assert "'*.12'" not in text


def test_a_job_that_waits_for_approval_shows_what_was_found_and_an_estimate():
    text = words("job-ready")
    assert "What the scan has found" in text
    assert "excluded by '~$*'" in text
    assert "and 1,203 more" in text
    assert "Left out by a filter" in text
    assert "copied all the same" in text
    assert text.count("fail as they are now") == 3
    assert "at 200 Mbps (the job's limit)" in text
    assert "312 files of the same size" in text
    assert "was opened once, and not read" in text
    clean = words("job-ready-clean")
    assert "Nothing that needs a look" in clean
    assert "at 100 Mbps," in clean
    assert "at 1000 Mbps" in clean
    assert "What the scan has found" not in words("job")


def test_a_code_is_shown_with_the_commands_to_copy():
    text = words("code")
    address = "--api-url https://api.theonemigrate.app"
    assert f"migrate-agent --register K7WM-4QXT {address} --service" in text
    assert f"migrate-agent --register K7WM-4QXT {address}" in text
    assert "in 23 h 56 min" in text


def test_an_agent_that_was_never_started_says_what_to_type():
    text = words("agent-registered")
    assert "Registered, process not started" in text
    assert "migrate-agent start --service" in text


def test_an_offline_agent_names_the_service_and_its_last_errors():
    text = words("agent-offline")
    assert "The service to look for is MigrateAgent" in text
    assert "control-plane-unreachable" in text
    assert "10 min behind" in text


def test_the_checklist_opens_one_step():
    read = Reader(PAGES["project-new"]())
    assert [item["data-step"] for item in read.all("li") if item.get("data-step")] == ["next", "later", "later"]


def test_the_local_stack_says_so_and_nothing_else_does():
    assert "Local stack: signed in automatically" in words("local-stack")
    assert "Local stack" not in words("home")


def test_sign_in_leads_back():
    read = Reader(PAGES["sign-in"]())
    assert any(link.get("href") == "/.auth/login/aad?post_login_redirect_uri=/" for link in read.all("a"))


@pytest.mark.parametrize("name", ["problem", "sign-in", "not-a-member", "unavailable"])
def test_a_refusal_has_code_correlation_id_and_support(name):
    text = words(name)
    assert "5c1f0e2b9a7d" in text
    assert "support@theonemigrate.app" in text


def test_help_has_every_code_once():
    read = Reader(PAGES["help"]())
    links = [link["href"] for link in read.all("a") if (link.get("href") or "").startswith("/help/")]
    assert sorted(links) == sorted(f"/help/{code.value}" for code in ErrorCode)


def test_home_lists_the_worst_first_and_each_thing_once():
    read = Reader(PAGES["home"]())
    text = read.words
    assert text.index("Mail room scans") < text.index("The job has not reached its agent for 10 minutes")
    assert "Media archive waits" in text
    links = [link["href"] for link in read.all("a") if link.get("class") == "button"]
    assert len(links) == len(set(links))


def test_a_new_job_is_no_problem_for_two_minutes():
    frame, online = samples.frame(), AgentState.ONLINE
    fresh = samples.created_job(agent_state=online, state_since=samples.ago(seconds=100))
    late = samples.created_job(agent_state=online, state_since=samples.ago(seconds=130))
    calm = home(frame, samples.NOW, clients_exist=True, alerts=[], jobs=[fresh], agents=[])
    busy = home(frame, samples.NOW, clients_exist=True, alerts=[], jobs=[late], agents=[])
    assert "Nothing needs you." in calm
    assert "1 thing needs you" in busy


def test_the_bucket_that_tells_most_is_opened_first():
    assert first_bucket(samples.job()) is Bucket.FAILED
    assert first_bucket(samples.completed_job()) is Bucket.UNSUPPORTED
    assert first_bucket(samples.created_job()) is Bucket.FAILED


def test_after_an_action_the_page_says_so_but_only_in_our_words():
    assert after("/jobs/x", Done.JOB_PAUSED) == "/jobs/x?done=job-paused"
    assert all(flash_for(done.value) for done in Done)
    assert flash_for("you-won") is None
    frame = samples.frame("/?done=client-deleted")
    page = home(frame, samples.NOW, clients_exist=True, alerts=[], jobs=[], agents=[])
    assert "Client deleted." in page


def test_a_typed_name_is_compared_with_forgiven_space():
    assert is_name(" Shared  drive ", "Shared drive")
    assert not is_name("shared drive", "Shared drive")


def test_every_icon_is_in_the_sheet():
    sheet = set(re.findall(r'<symbol id="(\w+)"', (STATIC / "icons.svg").read_text()))
    used = {found for name in PAGES for found in re.findall(r"icons\.svg\?v=\w+#(\w*)", PAGES[name]())}
    assert used <= sheet
    assert used


def test_a_project_says_what_limits_it_now_and_next():
    said = words("project-scheduled")
    assert "In force now: 20 Mbps until 18:00 (America/Chicago), then 100 Mbps" in said
    assert "mon-fri 08:00-18:00 20" in said
    assert "2026-05-25 none" in said
    assert "No schedule: jobs send as fast as their own limits allow." in words("project")


def test_the_schedules_form_holds_what_is_in_force_or_what_was_typed():
    page = PAGES["bandwidth"]()
    assert "mon-fri 08:00-18:00 20\ndaily 23:00-01:00 pause</textarea>" in page
    assert '<option value="America/Chicago" selected>' in page
    refused = PAGES["bandwidth-refused"]()
    assert "mon-fri 8-18 20</textarea>" in refused
    assert "8-18 is no time of day" in refused


def test_a_sites_limit_is_said_and_stands_in_its_field():
    assert "together send 50 Mbps at most; each agent at work has an equal share" in words("client-limited")
    assert 'value="50"' in PAGES["client-limited"]()


def test_a_sync_shows_its_next_run_what_was_skipped_and_what_its_mirror_would_delete():
    text = words("job-sync")
    assert "0 2 * * *" in text
    assert "America/Chicago" in text
    assert "was skipped: attempt 1 is still running" in text
    assert "lists only: nothing is deleted before its list is confirmed" in text
    assert "at most 500 files and 5 % in one run" in text
    assert "of 9,841 in the container are gone from the source; 0 deleted" in text
    assert "12 files (3.00 MiB)" in text
    assert "Gone from the source 12" in text
    page = Reader(PAGES["job-sync"]())
    assert {"ask-mirror", "ask-cutover", "change-sync"} <= {tag.get("id") for tag in page.all("a")}


def test_a_confirmed_mirror_can_be_stopped_and_says_who_confirmed_it():
    text = words("job-sync-mirrors")
    assert "by Dana Whitfield" in text
    assert "12 deleted" in text
    assert "Stop deleting" in text
    assert "Confirm the mirror" not in text


def test_a_mirror_that_did_nothing_says_why_and_the_cutover_is_named():
    text = words("job-sync-unlisted")
    assert "listed and deleted nothing: mirror-scan-incomplete: the folder HR/ could not be read" in text
    assert "this attempt is the last run" in text


def test_the_mirror_asks_for_the_containers_name():
    page = Reader(PAGES["confirm-mirror"]())
    assert [form["data-typed"] for form in page.all("form") if "data-typed" in form] == ["grace-files"]
    assert "12 files are on the list of attempt 1" in page.words


def test_an_archive_offers_the_list_of_what_is_safe_to_delete():
    page = Reader(PAGES["job-archive"]())
    assert "9,841 files" in page.words
    links = [tag["href"] for tag in page.all("a") if tag.get("id") == "safe-to-delete"]
    assert links == [f"/api/jobs/{samples.completed_job().job_id}/safe-to-delete.csv"]
    assert "Safe to delete" not in words("job-completed")


def test_a_retry_says_what_it_is_about():
    assert "Attempt 2 is about the files only that failed in attempt 1." in words("job-retry")
