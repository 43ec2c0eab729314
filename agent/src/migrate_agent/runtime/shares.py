r"""Signs in at the share of a source, with the credentials that are kept for it, before anything of it is read.

The session belongs to the account that runs the agent, so the processes that send files have it, too. Shares for which
nothing is kept are read as that account.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Protocol

from migrate_agent.redaction import redactor
from migrate_agent.share_credentials import ShareCredential, credential_for
from migrate_agent.transfer.windows_paths import share_of
from migrate_contract.errors import ErrorCode, Fatal

log = logging.getLogger(__name__)

_SIGNED_IN = {0}
_REFUSED = {
    5: "access is denied",
    86: "the password is wrong",
    1326: "the user name or the password is wrong",
    1327: "the account may not sign in like this (a blank password, hours, or a policy)",
    1330: "the password has expired",
    1331: "the account is disabled",
    1385: "the account may not sign in over the network",
    1907: "the password has to be changed first",
    1909: "the account is locked",
    2202: "the user name is not valid",
}
_OTHER_USER = 1219
"""ERROR_SESSION_CREDENTIAL_CONFLICT: Windows allows one user for a server in one session."""


class ShareSessions(Protocol):
    """Windows' sessions with file servers; a test's or Windows' own."""

    def sign_in(self, share: str, user: str, password: str) -> int:
        """Result: Windows' error number, 0 for none. A session with the same user that exists is no error."""
        ...


def refusal(number: int, credential: ShareCredential) -> Fatal:
    """Result: what an error number of a sign-in means."""
    who = f"{credential.share} as {credential.user}"
    if number == _OTHER_USER:
        detail = f"{who}: this session is signed in at that server as somebody else, and Windows allows one user"
        return Fatal(ErrorCode.SHARE_SIGN_IN_FAILED, detail)
    if number in _REFUSED:
        return Fatal(ErrorCode.SHARE_SIGN_IN_FAILED, f"{who}: {_REFUSED[number]}")
    return Fatal(ErrorCode.SOURCE_NOT_FOUND, f"{who}: the share cannot be reached (Windows' error {number})")


class ShareOpener:
    """Used before each copy."""

    def __init__(self, state_dir: Path, sessions: ShareSessions | None = None) -> None:
        """`sessions`: this system's where left out."""
        self._state_dir, self._sessions = state_dir, sessions or system_sessions()

    def open(self, source: str) -> None:
        """Returns when `source` may be read, or needs no sign-in of its own.

        Raises Fatal(share-sign-in-failed, source-not-found, config-invalid).
        """
        share = share_of(source)
        if share is None or self._sessions is None:
            return
        credential = credential_for(self._state_dir, share)
        if credential is None:
            return
        redactor.hide(credential.password)
        number = self._sessions.sign_in(credential.share, credential.user, credential.password)
        if number not in _SIGNED_IN:
            raise refusal(number, credential)
        log.info("signed in at %s as %s", credential.share, credential.user)


def system_sessions() -> ShareSessions | None:
    """Result: this system's sessions, None where shares are mounted by the system."""
    if sys.platform == "win32":
        from migrate_agent.runtime.windows_shares import WindowsSessions

        return WindowsSessions()
    return None
