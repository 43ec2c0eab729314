"""Mission's answers: one request in, one answer out, with no socket, so that tests can have it in their own process."""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import orjson

from local.mission.control_actions import ACTIONS
from local.mission.rules import References, Schemas
from local.mission.store import ENTITIES, Held, MissionStore, canonical_digest
from local.mission.wishes import Fault, Wishes

_PATH = re.compile(r"^/api/import/(?P<name>[a-z-]+)(?:/(?P<verb>[a-z]+))?$")
_REMEMBERED_REQUESTS = 2_000
_MAX_PAGE = 5_000


class Reply(NamedTuple):
    """`dropped`: the connection is cut instead. `delay_seconds` pass before it goes out."""

    status: int
    body: bytes = b""
    retry_after: str | None = None
    dropped: bool = False
    delay_seconds: float = 0.0


class Seen(NamedTuple):
    """One request, for tests. `key`: the idempotency key."""

    method: str
    path: str
    status: int
    key: str | None
    records: int


class _RefusedError(Exception):
    def __init__(self, status: int, code: str, detail: str) -> None:
        self.status, self.code, self.detail = status, code, detail
        super().__init__(code)


class MissionService:
    """Safe for all threads: one request at a time."""

    def __init__(self, store: MissionStore, organization: str = "Grace Community Church") -> None:
        self.store, self.organization = store, organization
        self.wishes = Wishes()
        self.seen: deque[Seen] = deque(maxlen=_REMEMBERED_REQUESTS)
        self.statuses: Counter[int] = Counter()
        self._schemas = Schemas()
        self._lock = threading.RLock()

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Result: the answer to one request. `headers`: by lower-case name."""
        with self._lock:
            fault = self.wishes.draw()
            if fault is Fault.DROP_BEFORE:
                return self._seen(method, target, headers, Reply(0, dropped=True))
            if fault is Fault.BUSY:
                reply = _problem(self.wishes.busy_status(), "busy", "try again later")
                return self._seen(
                    method, target, headers, reply._replace(retry_after=f"{self.wishes.retry_after_seconds:g}")
                )
            if fault is Fault.FAIL:
                return self._seen(method, target, headers, _problem(500, "internal", "something went wrong"))
            reply, records = self._answer(method, target, headers, body)
            if fault is Fault.DROP_AFTER:
                reply = Reply(0, dropped=True)
            elif fault is Fault.FAIL_AFTER:
                reply = _problem(500, "internal", "something went wrong afterwards")
            elif fault is Fault.SLOW:
                reply = reply._replace(delay_seconds=self.wishes.slow_seconds)
            return self._seen(method, target, headers, reply, records)

    def control(self, action: str, given: Mapping[str, Any]) -> Any:
        """Result: what a test's wish gives (local/mission/control.py lists them). Raises KeyError, ValueError."""
        with self._lock:
            return ACTIONS[action](self, **given)

    def issue_key(self, *, may_read: bool = True, revoke_others: bool = True) -> str:
        """Result: a new integration key; the others are not taken any more."""
        key = f"mk_{secrets.token_urlsafe(24)}"
        with self._lock:
            self.store.set_keys({**({} if revoke_others else self.store.keys()), key: may_read})
        return key

    def _seen(self, method: str, target: str, headers: Mapping[str, str], reply: Reply, records: int = 0) -> Reply:
        path = target.partition("?")[0]
        self.seen.append(Seen(method, path, reply.status, headers.get("idempotency-key"), records))
        self.statuses[reply.status] += 1
        return reply

    def _answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[Reply, int]:
        try:
            found = _PATH.match(urlsplit(target).path)
            if found is None:
                raise _RefusedError(404, "", "no such page")
            name, verb = found["name"], found["verb"]
            reading = method == "GET" or verb in ("lookup", "totals")
            self._require_key(headers, reading=reading and name != "status")
            if reading:
                query = {key: values[-1] for key, values in parse_qs(urlsplit(target).query).items()}
                asked = orjson.loads(body) if body else query
                return Reply(200, orjson.dumps(self._read(name, verb, asked))), 0
            if method != "POST":
                raise _RefusedError(405, "method", "only GET and POST")
            return self._write(name, verb, headers, body)
        except _RefusedError as refusal:
            return _problem(refusal.status, refusal.code, refusal.detail), 0
        except orjson.JSONDecodeError:
            return _problem(400, "not-json", "the body is not JSON"), 0

    def _require_key(self, headers: Mapping[str, str], *, reading: bool) -> None:
        key = headers.get("x-integration-key")
        if key is None:
            raise _RefusedError(401, "key-missing", "X-Integration-Key is missing")
        may_read = self.store.keys().get(key)
        if may_read is None:
            raise _RefusedError(403, "key-revoked", "this key was rotated or revoked")
        if reading and not may_read:
            raise _RefusedError(403, "read-not-allowed", "this key may only write")

    # Reading

    def _read(self, name: str, verb: str | None, asked: Mapping[str, Any]) -> dict[str, Any]:
        if verb is None and name == "status":
            limits = {"max_records": self.wishes.max_records, "max_bytes": self.wishes.max_bytes}
            version = self.wishes.contract_version
            return {"organization": {"name": self.organization}, "contract_version": version, "limits": limits}
        if verb is None and name == "funds":
            return {"funds": self.store.funds()}
        if verb is None and name == "counts":
            return {"entities": self.store.counts(str(asked["install"]))}
        if name in ENTITIES and verb == "ids":
            limit = min(int(asked.get("limit", _MAX_PAGE)), _MAX_PAGE)
            ids = self.store.page_of_ids(name, str(asked["install"]), str(asked.get("after", "")), limit)
            return {"external_ids": ids, "next": ids[-1] if len(ids) >= limit else None}
        if name in ENTITIES and verb == "lookup":
            return {"records": self._looked_up(name, [str(each) for each in asked["external_ids"]])}
        if name in ("contributions", "attendance") and verb == "totals":
            return self._totals(name, asked)
        raise _RefusedError(404, "", "no such page")

    def _looked_up(self, name: str, external_ids: list[str]) -> list[dict[str, Any]]:
        if len(external_ids) > self.wishes.max_records:
            raise _RefusedError(422, "too-many", "too many ids")
        held = self.store.held(name, external_ids)
        return [
            {
                "mission_id": f"{name}-{copy.row}",
                "record": orjson.loads(copy.body),
                "batch_key": copy.batch_key,
                "updated_at": copy.updated_at,
            }
            for copies in held.values()
            for copy in copies
            if not copy.voided
        ]

    def _totals(self, name: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        limit, start = min(int(asked.get("limit", _MAX_PAGE)), _MAX_PAGE), int(asked.get("after") or 0)
        try:
            rows = self.store.totals(
                name,
                str(asked["install"]),
                [str(each) for each in asked["by"]],
                asked.get("date_from"),
                asked.get("date_to"),
                (start, limit),
            )
        except KeyError as missing:
            raise _RefusedError(422, "dimension-unknown", f"cannot add up by {missing}") from None
        listed = [{"key": key, "count": count, "amount": _amount(cents)} for key, count, cents in rows]
        return {"rows": listed, "next": str(start + limit) if len(rows) == limit else None}

    # Writing

    def _write(self, name: str, verb: str | None, headers: Mapping[str, str], body: bytes) -> tuple[Reply, int]:
        voiding = name == "contributions" and verb == "void"
        if not voiding and (verb is not None or name not in (*ENTITIES, "funds")):
            raise _RefusedError(404, "", "no such page")
        if len(body) > self.wishes.max_bytes:
            raise _RefusedError(413, "too-large", f"at most {self.wishes.max_bytes} bytes")
        key = headers.get("idempotency-key")
        if not key:
            raise _RefusedError(400, "idempotency-key-missing", "Idempotency-Key is missing")
        digest = hashlib.blake2b(name.encode() + body, digest_size=16).digest()
        earlier = self.store.answered(key)
        if earlier is not None:
            if earlier[0] != digest:
                raise _RefusedError(409, "idempotency-key-reused", "this key came with another body before")
            return Reply(200, earlier[1]), len(orjson.loads(earlier[1])["results"])
        content = orjson.loads(body)
        wrong = self._schemas.fault_of_envelope(content)
        if wrong is not None:
            raise _RefusedError(422, "envelope-invalid", wrong)
        records = content["records"]
        if len(records) > self.wishes.max_records:
            raise _RefusedError(422, "too-many", f"at most {self.wishes.max_records} records")
        self._require_wanted(name, records, checked=not voiding)
        return self._applied(name, records, key, digest, voiding=voiding), len(records)

    def _require_wanted(self, name: str, records: list[dict[str, Any]], *, checked: bool) -> None:
        wishes = self.wishes
        for at, record in enumerate(records):
            external_id = str(record.get("external_id"))
            if external_id in wishes.poison:
                raise _RefusedError(500, "internal", "something went wrong")
            if external_id in wishes.refuse:
                raise _RefusedError(422, "record-refused", f"records/{at}: Mission does not want it")
            wrong = self._schemas.fault_of_record(name, record) if checked else None
            if wrong is not None:
                raise _RefusedError(422, "record-invalid", f"records/{at}/{wrong}")

    def _applied(self, name: str, records: list[dict[str, Any]], key: str, digest: bytes, *, voiding: bool) -> Reply:
        self.store.begin()
        try:
            if voiding:
                results = [self._voided(str(record["external_id"])) for record in records]
            elif name == "funds":
                results = [_result(record, self.store.put_fund(record)) for record in records]
            else:
                results = self._upserted(name, records, key)
            answer = orjson.dumps({"results": results, "request_id": f"req_{secrets.token_hex(8)}"})
            self.store.remember(key, digest, answer)
        except BaseException:
            self.store.roll_back()
            raise
        self.store.commit()
        return Reply(200, answer)

    def _upserted(self, name: str, records: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
        references = References(self.store, name, records)
        held = self.store.held(name, [str(record["external_id"]) for record in records])
        results = []
        for record in records:
            refused = references.refusal(record)
            if refused is not None:
                results.append(_result(record, "refused", *refused))
                continue
            external_id = str(record["external_id"])
            results.append(_result(record, self._upsert(name, record, held.get(external_id, []), key)))
            if external_id not in held:
                # The same record may be in one batch twice.
                held.update(self.store.held(name, [external_id]))
        return results

    def _upsert(self, name: str, record: dict[str, Any], copies: list[Held], key: str) -> str:
        if not copies:
            self.store.add(name, record, key)
            return "created"
        first = copies[0]
        if first.digest == canonical_digest(record) and not first.voided:
            return "unchanged"
        self.store.replace(first.row, record, key)
        return "updated"

    def _voided(self, external_id: str) -> dict[str, Any]:
        if self.store.void(external_id):
            return _result({"external_id": external_id}, "updated")
        return _result({"external_id": external_id}, "refused", "record-unknown", "there is no such contribution")


def _result(
    record: Mapping[str, Any], status: str, code: str | None = None, detail: str | None = None
) -> dict[str, Any]:
    return {"external_id": record["external_id"], "status": status, "code": code, "detail": detail}


def _problem(status: int, code: str, detail: str) -> Reply:
    if not code:
        return Reply(status, b"<html><body>Not here</body></html>")
    content = {"code": code, "detail": detail, "request_id": f"req_{secrets.token_hex(8)}"}
    return Reply(status, orjson.dumps(content))


def _amount(cents: int) -> str:
    sign, whole = "-" if cents < 0 else "", abs(cents)
    return f"{sign}{whole // 100}.{whole % 100:02d}"
