"""Registration codes: single use, 24 hours, for one client. Only an HMAC of a code is kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from functions.domain import rows
from functions.domain.caller import OperatorCaller, Role
from functions.domain.ids import need_id
from functions.domain.keys import Continuations, keyed_hash, shown_code
from functions.domain.limits import Limits
from functions.domain.organization import OrganizationTables
from functions.domain.ports import Clock, Row, RowChanged, RowMissing, Tables, Tokens, Value
from functions.domain.views import CodeCreate, CodeCreated, CodeState, CodeView, ListQuery, Page
from functions.services.audit import Audit
from functions.services.clients import need_client
from migrate_contract.agents import CODE_ALPHABET, CODE_LENGTH
from migrate_contract.errors import ErrorCode, Fatal, Retryable

TABLE = "codes"
ROW = "code"
_ID_LENGTH = 12


class Codes:
    """Creates, lists and revokes codes. Redeeming one is enrolment's."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        tokens: Tokens,
        limits: Limits,
        audit: Audit,
        continuations: Continuations,
        key: bytes,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._tokens = tokens
        self._limits = limits
        self._audit = audit
        self._continuations = continuations
        self._key = key

    def create(self, caller: OperatorCaller, body: CodeCreate) -> CodeCreated:
        """Result: the code, shown this once."""
        caller.need(Role.OPERATOR)
        need_client(self._tables, caller, body.client_id)
        code = self._tokens.text(CODE_LENGTH, CODE_ALPHABET)
        hashed = keyed_hash(self._key, code)
        now = self._clock()
        self._tables.insert(
            TABLE,
            hashed,
            ROW,
            {
                "organization": caller.organization,
                "client_id": body.client_id,
                "label": body.label,
                "created_at": now,
                "created_by": caller.label,
                "expires_at": now + timedelta(seconds=self._limits.code_lifetime_seconds),
            },
        )
        self._audit.record(
            caller.organization,
            caller.label,
            "code.create",
            hashed[:_ID_LENGTH],
            client_id=body.client_id,
            detail=body.label,
        )
        row = self._tables.get(TABLE, hashed, ROW)
        if row is None:
            raise Retryable(ErrorCode.CHANGED_MEANWHILE, "The code was removed just now.")
        return CodeCreated(**dict(code_view(row, now)), code=shown_code(code))

    def list(self, caller: OperatorCaller, query: ListQuery, client_id: str | None = None) -> Page[CodeView]:
        """Result: codes and what became of them."""
        scope = f"codes|{caller.organization}|{caller.object_id}|{client_id}"
        where: dict[str, Value | tuple[Value, ...]] = {}
        if client_id is not None:
            caller.see(need_id("client", client_id))
            where["client_id"] = client_id
        elif caller.client_ids:
            where["client_id"] = tuple(sorted(caller.client_ids))
        page = OrganizationTables(self._tables, caller.organization).page_owned(
            TABLE, where=where, limit=query.limit, continuation=self._continuations.open(query.continuation, scope)
        )
        now = self._clock()
        return Page(
            items=[code_view(row, now) for row in page.rows],
            continuation=self._continuations.seal(page.continuation, scope),
        )

    def revoke(self, caller: OperatorCaller, code_id: str) -> None:
        """Makes an open code useless. A used or expired one stays as it is: there is nothing to take back."""
        caller.need(Role.OPERATOR)
        row = self._find(caller, need_id("code", code_id))
        now = self._clock()
        if code_view(row, now).state is not CodeState.OPEN:
            return
        try:
            self._tables.merge(TABLE, row.pk, row.rk, {"revoked_at": now}, row.etag)
        except (RowChanged, RowMissing) as changed:
            raise Retryable(ErrorCode.CHANGED_MEANWHILE, "The code was used just now.") from changed
        self._audit.record(
            caller.organization, caller.label, "code.revoke", code_id, client_id=rows.text(row, "client_id")
        )

    def _find(self, caller: OperatorCaller, code_id: str) -> Row:
        """Result: the code's row, by the beginning of its hash. Raises Fatal(not-found)."""
        page = self._tables.page(
            TABLE,
            pk_from=code_id,
            pk_to=code_id + "g",
            where={"organization": caller.organization},
            limit=1,
        )
        if not page.rows or not caller.may_see(rows.text(page.rows[0], "client_id")):
            raise Fatal(ErrorCode.NOT_FOUND, "No such registration code, or not yours")
        return page.rows[0]


def code_view(row: Row, now: datetime) -> CodeView:
    """Result: the code's fate."""
    used_at, revoked_at = rows.moment(row, "used_at"), rows.moment(row, "revoked_at")
    expires_at = rows.need_moment(row, "expires_at")
    if used_at is not None:
        state = CodeState.USED
    elif revoked_at is not None:
        state = CodeState.REVOKED
    else:
        state = CodeState.EXPIRED if now >= expires_at else CodeState.OPEN
    return CodeView(
        code_id=row.pk[:_ID_LENGTH],
        client_id=rows.text(row, "client_id"),
        label=rows.text(row, "label"),
        state=state,
        created_at=rows.need_moment(row, "created_at"),
        created_by=rows.text(row, "created_by"),
        expires_at=expires_at,
        used_at=used_at,
        agent_id=rows.text_or_none(row, "agent_id"),
        revoked_at=revoked_at,
    )
