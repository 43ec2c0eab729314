"""Mails in words: every kind says what it must, plain and HTML say the same, and no fact can break out of its place."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from html.parser import HTMLParser

import pytest

from functions.adapters.mail_smtp import SmtpAccess, SmtpMailer, SmtpSecurity
from functions.dashboard.mail_texts import LetterTexts
from functions.dashboard.mail_word_parts import day, one_line
from functions.dashboard.mail_words import kind_words, mail_words
from functions.dashboard.mail_words_connection import EXPIRED_WORDS
from functions.domain.mail import ASKED_FOR, WITH_RECONNECT_LINK, MailContext, MailKind, MailMessage, MailText
from functions.services.unsubscribes import PATH
from migrate_contract.errors import CATALOGUE, ErrorCode
from tests.memory.chance import ManualClock
from tests.unit.functions.services.test_mail_outbox import FACTS, Post

LINK = "https://migrate.example/reconnect/acme.prj_000000000001.1772460000.0123456789abcdef?a=1&b=2"
STOP = "https://migrate.example" + PATH + "acme.prj_000000000001.job-failed.0123.4567"
FULL = {
    **FACTS,
    "days_left": "14",
    "account": "stmaryarchive",
    "container": "files",
    "reason": "The sign-in was revoked (AADSTS50173).",
    "jobs": "Copy of the file server",
    "job_name": "Copy of the file server",
    "agent_name": "fileserver-01",
    "since": "2 March 2026, 13:45 UTC",
    "detail": "Container files: 403",
    "source": r"\\server\share",
    "destination": "stmaryarchive / files",
    "failed": "3",
    "transferred": "12,204 files",
    "count": "3",
    "sent_by": "Olga",
}
SMTP_MAILER = SmtpMailer(SmtpAccess("127.0.0.1", 25, "noreply@acme.example", "Acme", SmtpSecurity.NONE), ManualClock())


def context(**changes: str) -> MailContext:
    values = {
        "organization_name": "Acme Migrations",
        "project_name": "St. Mary's archive",
        "client_name": "St. Mary",
        "link": LINK,
        "support": "https://help.acme.example or help@acme.example",
        "unsubscribe_link": STOP,
    }
    return MailContext(**{**values, **changes})


def write(kind: MailKind, facts: dict[str, str] | None = None, **changes: str) -> MailText:
    return LetterTexts().write(kind, facts or FULL, context(**changes))


class Page(HTMLParser):
    """The links and the text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.words: list[str] = []
        self.tags: list[str] = []
        self._hidden = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._hidden += tag in ("style", "title")
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "title")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def links_in(plain: str) -> list[str]:
    return re.findall(r"https?://\S+", plain.partition("Questions:")[0] + plain.partition("No more mail")[2])


@pytest.mark.parametrize("kind", MailKind)
def test_plain_and_html_carry_the_same_links_and_the_same_words(kind: MailKind) -> None:
    text = write(kind, unsubscribe_link="" if kind in ASKED_FOR else STOP)
    page = Page(text.html)
    assert set(page.links) == set(links_in(text.plain)) == ({LINK} if kind in ASKED_FOR else {LINK, STOP})
    words = mail_words(kind, FULL, context())
    for said in (words.headline, *words.paragraphs, words.fix, words.afterwards, words.reader, words.button):
        assert said in text.plain
        assert said in page.text
    for label, value in words.rows:
        assert f"{label}: {value}" in text.plain
        assert f"{label} {value}" in page.text


@pytest.mark.parametrize("kind", MailKind)
def test_a_mail_loads_nothing_and_runs_nothing(kind: MailKind) -> None:
    html = write(kind).html
    assert not {"img", "script", "iframe", "form", "link", "object", "svg"} & set(Page(html).tags)
    assert "url(" not in html
    assert "@import" not in html


@pytest.mark.parametrize("kind", MailKind)
def test_a_mail_with_the_least_facts_is_whole(kind: MailKind) -> None:
    text = write(kind, FACTS, project_name="", client_name="", support="", unsubscribe_link="")
    for part in (text.subject, text.plain, Page(text.html).text):
        assert "None" not in part
        assert "  " not in part.replace("\n", "x")
        assert "()" not in part
    assert "Questions" not in text.plain


def test_the_customers_mails_say_project_date_what_happens_then_and_where_to_reconnect() -> None:
    plain = write(MailKind.CONNECTION_EXPIRING).plain
    for needed in ("St. Mary's archive", "16 March 2026", "in 14 days", "copying stops on 16 March 2026", LINK):
        assert needed in plain
    assert "Storage Blob Data Contributor" in plain
    assert "(1 day left)" in write(MailKind.CONNECTION_EXPIRING, {**FULL, "days_left": "1"}).subject
    last = write(MailKind.CLIENT_SECRET_EXPIRING, {**FULL, "days_left": "0"})
    assert "(last day)" in last.subject
    assert "expires today" in last.plain
    expired = write(MailKind.CONNECTION_EXPIRED, {**FULL, "ended_on": "2026-03-02"}).plain
    assert EXPIRED_WORDS in expired
    assert "2 March 2026" in expired
    assert "AADSTS50173" in expired


def test_a_job_mail_has_the_catalogues_words() -> None:
    entry = CATALOGUE[ErrorCode.TARGET_ACCESS_DENIED]
    for kind in (MailKind.JOB_FAILED, MailKind.JOB_STUCK, MailKind.SIGN_IN_FAILING):
        plain = write(kind).plain
        assert entry.title in plain
        assert entry.fix in plain
    unknown = write(MailKind.JOB_FAILED, {**FULL, "code": "a-code-of-tomorrow"}).plain
    assert "a-code-of-tomorrow" in unknown


@pytest.mark.parametrize("kind", MailKind)
def test_no_fact_breaks_out_of_its_place(kind: MailKind) -> None:
    bad = "x</td><script>alert(1)</script>\r\nBcc: all@evil.example\r\n\r\n\u2028<a href='https://evil.example/'>y</a>"
    facts = dict.fromkeys(FULL, bad) | {"code": "target-access-denied"}
    text = write(kind, facts, project_name=bad, organization_name=bad, client_name=bad, support=bad)
    assert "\n" not in text.subject + "".join(re.findall(r"[\r\u2028]", text.plain))
    assert not re.search(r"^Bcc:", text.plain, re.MULTILINE)
    page = Page(text.html)
    assert "script" not in page.tags
    assert set(page.links) == {LINK, STOP}


@pytest.mark.parametrize("kind", MailKind)
def test_every_mail_is_good_mime(kind: MailKind) -> None:
    text = write(kind, {**FULL, "job_name": "Kopie für St. Märien ✓"}, project_name="Ümzug – 移行")
    headers = {"List-Unsubscribe": f"<{STOP}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    message = MailMessage("it@church.example", text.subject, text.plain, text.html, headers)
    wire = SMTP_MAILER.mime(message, "op-1").as_bytes()
    assert all(len(line) <= 998 for line in wire.split(b"\r\n"))
    assert wire.isascii()
    parsed = message_from_bytes(wire, policy=SMTP)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    assert parsed.get_content_type() == "multipart/alternative"
    assert str(parsed["Subject"]).strip() == text.subject  # folded before its first word, where that is long
    assert parsed["To"] == "it@church.example"
    assert parsed["Message-ID"] == "<op-1@acme.example>"
    assert "".join(str(parsed["List-Unsubscribe"]).split()) == f"<{STOP}>"
    plain, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().replace("\r\n", "\n") == text.plain
    assert set(Page(html.get_content()).links) == set(links_in(plain.get_content())) == {LINK, STOP}


def test_the_buttons_lead_where_each_reader_may_go() -> None:
    post = Post()
    for kind in MailKind:
        post.post(kind)
    post.run()
    base = "https://migrate.example"
    job = f"{base}/jobs/{FACTS['job_id']}"
    found = {mail.message.subject: links_in(mail.message.plain)[0] for mail in post.world.mailer.sent}
    assert len(found) == len(MailKind)
    customer = [link for link in found.values() if link.startswith(f"{base}/reconnect/")]
    assert len(customer) == len(WITH_RECONNECT_LINK)
    assert set(found.values()) == {job, *customer}
    # Facts of a test name a job always; without one, the kind's own subject decides.
    for kind, wanted in {
        MailKind.TEST: f"{base}/projects/{post.project_id}",
        MailKind.AGENT_OFFLINE: f"{base}/agents/{FACTS['agent_id']}",
        MailKind.IDENTITY_PROVIDER_MISCONFIGURED: f"{base}/help/target-access-denied",
        MailKind.CLIENT_SECRET_EXPIRING: f"{base}/help",
    }.items():
        facts = {name: value for name, value in FACTS.items() if name != "job_id"}
        if kind is not MailKind.AGENT_OFFLINE:
            del facts["agent_id"]
        if kind is MailKind.CLIENT_SECRET_EXPIRING:
            del facts["code"]
        about = post.project_id if kind in (MailKind.AGENT_OFFLINE, MailKind.TEST) else ""
        post.world.clock.forward(3600)
        post.post(kind, facts=facts, project_id=about, subject_id=f"own-{kind.value}")
        post.run()
        assert links_in(post.world.mailer.sent[-1].message.plain)[0] == wanted


def test_words() -> None:
    assert day("2026-03-16") == "16 March 2026"
    assert day("2026-03-16T10:00:00Z") == "16 March 2026"
    assert day("soon") == "soon"
    assert one_line(" a\r\n\tb\x00c ") == "a b c"
    assert len(one_line("x" * 5000)) == 300
    assert all(bool(kind_words(kind)) == (kind not in ASKED_FOR) for kind in MailKind)
