"""Signing in over HTTP as a browser would: follow the links, pick the person, accept."""

from __future__ import annotations

import ssl
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpx

from local.entra.directory import Person

_HOPS = 20
_PAGES = 3
"""To pick an account, to consent, and one to spare."""


class SignInStuck(Exception):
    """The sign-in did not come back to the application; the message ends with the page it stands at."""


class Browser:
    """Keeps cookies and follows redirects, one at a time. No script is run."""

    def __init__(self, ca_file: Path, authority: str) -> None:
        """Trust that authority's certificates; `authority` is the identity server's address."""
        self._authority = urlsplit(authority).netloc
        self._http = httpx.Client(
            verify=ssl.create_default_context(cafile=ca_file), timeout=60, trust_env=False, follow_redirects=False
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

    def post(self, url: str, form: dict[str, str]) -> httpx.Response:
        """The page that follows a form, sent as a browser sends it: with the origin of its page."""
        parts = urlsplit(url)
        origin = {"Origin": f"{parts.scheme}://{parts.netloc}"}
        return self._follow(self._http.post(url, data=form, headers=origin))

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
        raise SignInStuck(page.text)

    def _follow(self, answer: httpx.Response) -> httpx.Response:
        for _ in range(_HOPS):
            if not answer.has_redirect_location:
                return answer
            answer = self._http.get(urljoin(str(answer.url), answer.headers["location"]))
        raise SignInStuck(f"more than {_HOPS} redirects, the last to {answer.url.copy_with(query=None)}")
