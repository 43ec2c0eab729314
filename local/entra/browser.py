"""A browser without scripts, over HTTP: cookies, redirects, forms; and signing in at the identity server with it."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpx

from local.entra.directory import Person

_HOPS = 20
_PAGES = 3
"""To pick an account, to consent, and one to spare."""
_GOES_ON = re.compile(r'<meta http-equiv="refresh" content="0; url=([^"]+)"')
_TAG = re.compile(r"<(style|script|svg)\b.*?</\1>|<[^>]+>", re.DOTALL)


class SignInStuck(Exception):
    """The sign-in did not come back to the application; the message ends with the page it stands at."""


class FormMissing(Exception):
    """The page has no such form; the message is what the page says instead."""


@dataclass
class Form:
    """A form of a page: where it goes, and what it sends if nobody changes it."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Browser:
    """Keeps cookies and follows redirects, and pages that go on by themselves. No script is run."""

    def __init__(self, ca_file: Path, authority: str) -> None:
        """Trust that authority's certificates; `authority` is the identity server's address."""
        self._authority = urlsplit(authority).netloc
        self.visited: list[str] = []
        """Every address that a page or a redirect has led to, the newest last."""
        self._http = httpx.Client(
            verify=ssl.create_default_context(cafile=ca_file), timeout=120, trust_env=False, follow_redirects=False
        )

    def __enter__(self) -> Self:
        """Use it for a block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, url: str) -> httpx.Response:
        """The page at the end of the redirects; its own address is `page.url`."""
        return self._follow(self._http.get(url))

    def post(self, url: str, fields: Mapping[str, str]) -> httpx.Response:
        """The page that follows a form, sent as a browser sends it: with the origin of its page."""
        parts = urlsplit(url)
        origin = {"Origin": f"{parts.scheme}://{parts.netloc}"}
        return self._follow(self._http.post(url, data=dict(fields), headers=origin))

    def submit(self, page: httpx.Response, ending: str, **fields: str) -> httpx.Response:
        """Send the page's form whose address ends so, with these fields filled in. Raises FormMissing."""
        for form in forms_of(page.text):
            action = urljoin(str(page.url), form.action)
            if urlsplit(action).path.endswith(ending):
                return self.post(action, {**form.fields, **fields})
        raise FormMissing(f"{page.status_code} at {page.url.path}: {words_of(page.text)}")

    def sign_in(self, page: httpx.Response, person: Person, *, answer: str = "accept") -> httpx.Response:
        """From the page that asks for an account: pick, answer every question, and come back to the application.

        `answer` is what to say where consent is asked for: accept or cancel. Raises SignInStuck.
        """
        form = {"person": person.object_id}
        for _ in range(_PAGES):
            if page.status_code != httpx.codes.OK:
                break
            page = self.post(str(page.url), form)
            if urlsplit(str(page.url)).netloc != self._authority:
                return page
            form["answer"] = "return" if "Need admin approval" in page.text else answer
        raise SignInStuck(words_of(page.text))

    def _follow(self, answer: httpx.Response) -> httpx.Response:
        for _ in range(_HOPS):
            goes_on = None if answer.has_redirect_location else _GOES_ON.search(answer.text)
            if not answer.has_redirect_location and goes_on is None:
                return answer
            target = answer.headers["location"] if goes_on is None else unescape(goes_on[1])
            self.visited.append(urljoin(str(answer.url), target))
            answer = self._http.get(self.visited[-1])
        raise SignInStuck(f"more than {_HOPS} redirects, the last to {answer.url.copy_with(query=None)}")


def words_of(html: str) -> str:
    """What a page says, in one line."""
    return " ".join(unescape(_TAG.sub(" ", html)).split())[:2000]


def forms_of(html: str) -> list[Form]:
    """The forms of a page that are sent by POST, in order."""
    reader = _Forms()
    reader.feed(html)
    return reader.found


class _Forms(HTMLParser):
    """Collects forms and the fields that they send; buttons are left to who presses them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag begins."""
        given = dict(attrs)
        if tag == "form":
            self._open = (given.get("method") or "").lower() == "post"
            if self._open:
                self.found.append(Form(given.get("action") or ""))
        elif tag == "input" and self._open and given.get("name"):
            chosen = given.get("type") not in {"radio", "checkbox"} or "checked" in given
            if chosen:
                self.found[-1].fields[str(given["name"])] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        """A tag ends."""
        if tag == "form":
            self._open = False
