"""The outbox in memory: keeps one letter per kind, subject and day, as the real one does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from functions.domain.mail import MailDraft, MailKind


class MemoryLetters:
    """`posted` are the letters, in the order in which they were first posted; `asked` counts every post."""

    def __init__(self) -> None:
        self.posted: dict[tuple[str, MailKind, str, date], MailDraft] = {}
        self.asked = 0
        self.withdrawn: list[tuple[str, tuple[MailKind, ...]]] = []
        self.before_post: Callable[[MailDraft], None] | None = None

    def post(self, organization: str, draft: MailDraft) -> None:
        if self.before_post is not None:
            self.before_post(draft)
        self.asked += 1
        self.posted.setdefault((organization, draft.kind, draft.subject_id, draft.due_on), draft)

    def withdraw(self, organization: str, project_id: str, *kinds: MailKind) -> int:
        self.withdrawn.append((project_id, kinds))
        return 0

    def kinds(self) -> list[str]:
        """The kinds of the letters, and the days left where they say that."""
        return [f"{draft.kind.value} {draft.facts.get('days_left', '')}".strip() for draft in self.posted.values()]
