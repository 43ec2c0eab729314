"""Mission's HTTP: the one file that knows its paths, headers, bodies and answers.

Known for certain: `POST {url}/api/import/{entity}` with at most 500 records, the header X-Integration-Key, and 403 for
a key that was revoked. All else is assumed (docs/mission-contract.md) and described by the schemas beside this file;
when the real contract is known, this file and those change, and nothing else.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote, urlencode

import orjson

from migrate_agent import __version__
from migrate_agent.network import Network
from migrate_agent.redaction import redactor
from migrate_agent.rockrms.mission.patience import Patience
from migrate_agent.rockrms.mission.port import (
    CONTRACT_VERSION,
    DEFAULT_MAX_BYTES,
    MAX_BATCH_RECORDS,
    BatchAnswer,
    BatchFailed,
    BatchRefused,
    BatchTooLarge,
    Copy,
    Dimension,
    Envelope,
    Fund,
    MissionStatus,
    Result,
    ResultStatus,
    TotalsRow,
)
from migrate_agent.rockrms.mission.scrub import scrubbed, scrubbed_detail
from migrate_agent.rockrms.mission.transport import Answer, Exchange, Transport, address_of
from migrate_contract.errors import ErrorCode, Fatal, Retryable
from migrate_contract.rockrms import Entity, MissionAccess

_ROOT = "/api/import"
_PAGE = 5_000
"""Rows of one page of totals and external ids."""
_BUSY = frozenset({408, 425, 429, 502, 503, 504})
_READ_REFUSED = frozenset({404, 405, 501})
_STATUSES: Mapping[str, ResultStatus] = {status.value: status for status in ResultStatus}
_MAX_RETRY_AFTER_SECONDS = 3600.0
_UNKNOWN_BYTES = 1024 * 1024 * 1024
"""Before Mission has named its limits, it may say 413 for itself."""

Found = TypeVar("Found")


class HttpMission:
    """A MissionClient over HTTP. Holds the integration key, in memory only."""

    def __init__(
        self,
        access: MissionAccess,
        network: Network,
        patience: Patience | None = None,
        *,
        exchange: Exchange | None = None,
    ) -> None:
        """With `patience`, all but `send` are repeated until they are answered (`send` is the sender's matter).

        `exchange`: instead of HTTP over this network. Raises Fatal(mission-url-refused), Fatal(config-invalid).
        """
        self._patience = patience
        self._max_records, self._max_bytes = MAX_BATCH_RECORDS, _UNKNOWN_BYTES
        key = access.integration_key.strip()
        if not key or not key.isascii() or not key.isprintable():
            raise Fatal(ErrorCode.MISSION_KEY_REVOKED, "the integration key holds characters that no key has")
        redactor.hide(key)
        self._transport: Exchange = exchange or Transport(address_of(access.url), network)
        self._headers = {
            "X-Integration-Key": key,
            "Accept": "application/json",
            "User-Agent": f"migrate-agent/{__version__} ({platform.system()}; Python)",
        }

    def __repr__(self) -> str:
        return f"HttpMission({self.host})"

    @property
    def host(self) -> str:
        """Result: for messages: who does not answer."""
        return self._transport.address.shown

    def close(self) -> None:
        """Ends its connections; a call that waits for an answer fails at once."""
        self._transport.close()

    # Writing

    def send(self, entity: Entity, envelope: Envelope, bodies: Sequence[bytes], key: str) -> BatchAnswer:
        """Upserts a batch; `bodies` are the records' JSON."""
        return self._write(f"{_ROOT}/{entity.value}", entity, envelope, bodies, key)

    def create_funds(self, envelope: Envelope, funds: Sequence[Fund], key: str) -> BatchAnswer:
        """Upserts up to 500 funds."""
        bodies = [
            orjson.dumps(
                {"external_id": fund.external_id, "name": fund.name, "parent": fund.parent, "is_active": fund.is_active}
            )
            for fund in funds
        ]
        return self._write_patiently(f"{_ROOT}/funds", envelope, bodies, key)

    def void(self, envelope: Envelope, external_ids: Sequence[str], key: str) -> BatchAnswer:
        """Takes up to 500 contributions out of Mission's books."""
        bodies = [orjson.dumps({"external_id": external_id}) for external_id in external_ids]
        return self._write_patiently(f"{_ROOT}/contributions/void", envelope, bodies, key)

    def _write_patiently(self, path: str, envelope: Envelope, bodies: Sequence[bytes], key: str) -> BatchAnswer:
        try:
            return self._patiently(lambda: self._write(path, Entity.CONTRIBUTIONS, envelope, bodies, key))
        except BatchFailed as error:
            if self._patience is None:
                raise
            raise BatchRefused(error.detail, error.status, error.request_id, error.answer) from error
        except Retryable as error:
            if self._patience is None:
                raise
            raise Fatal(error.code, error.detail) from error

    def _patiently(self, action: Callable[[], Found]) -> Found:
        return action() if self._patience is None else self._patience.call(self.host, action)

    def _write(self, path: str, entity: Entity, envelope: Envelope, bodies: Sequence[bytes], key: str) -> BatchAnswer:
        if len(bodies) > MAX_BATCH_RECORDS:
            raise ValueError(f"a batch holds at most {MAX_BATCH_RECORDS} records")
        head = orjson.dumps(
            {
                "contract_version": CONTRACT_VERSION,
                "source": {"system": "rockrms", "install": envelope.install},
                "time_zone": envelope.time_zone,
            }
        )
        body = b"".join((head[:-1], b',"records":[', b",".join(bodies), b"]}"))
        if len(bodies) > self._max_records or len(body) > self._max_bytes:
            told = f"{self.host} takes at most {self._max_records} records and {self._max_bytes} bytes"
            raise BatchTooLarge(told, len(body), None, "")
        headers = {**self._headers, "Content-Type": "application/json", "Idempotency-Key": key}
        answer = self._transport.exchange("POST", path, headers, body)
        if not 200 <= answer.status < 300:
            self._refuse_batch(answer, entity, bodies, len(body))
        return _batch_answer(answer, entity, bodies)

    def _refuse_batch(self, answer: Answer, entity: Entity, bodies: Sequence[bytes], size: int) -> NoReturn:
        self._raise_common(answer)
        content = _parsed(answer)
        request_id = _text(content.get("request_id")) if isinstance(content, dict) else None
        if answer.status == 404 and not (isinstance(content, dict) and content.get("code")):
            raise Fatal(ErrorCode.MISSION_NOT_FOUND, f"{self.host} knows no {_ROOT}/{entity.value}")
        text = scrubbed(entity, answer.body, bodies)
        if answer.status == 413:
            raise BatchTooLarge(f"{self.host} takes no body of {size} bytes", size, request_id, text)
        if answer.status >= 500:
            # 500 may be about one record as well as about the whole service: the sender finds out.
            raise BatchFailed(
                f"{self.host} answered {answer.status}",
                answer.status,
                request_id,
                text,
                retry_after_seconds=_retry_after(answer),
            )
        raise BatchRefused(f"{self.host} answered {answer.status}", answer.status, request_id, text)

    # Reading

    def status(self) -> MissionStatus:
        """Result: the organization behind the key, and the limits, which later batches keep."""
        content = self._read("GET", "/status")
        try:
            limits = content.get("limits") or {}
            found = MissionStatus(
                organization=str(content["organization"]["name"]),
                contract_version=str(content["contract_version"]),
                max_records=min(int(limits.get("max_records", MAX_BATCH_RECORDS)), MAX_BATCH_RECORDS),
                max_bytes=int(limits.get("max_bytes", DEFAULT_MAX_BYTES)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise self._unreadable("/status") from error
        self._max_records, self._max_bytes = found.max_records, found.max_bytes
        return found

    def require_contract(self) -> MissionStatus:
        """Result: as `status`. Raises Fatal(mission-contract-unknown) for a version that we do not speak."""
        found = self.status()
        if found.contract_version != CONTRACT_VERSION:
            raise Fatal(
                ErrorCode.MISSION_CONTRACT_UNKNOWN,
                f"{self.host} speaks version {found.contract_version[:40]}, this agent version {CONTRACT_VERSION}",
            )
        return found

    def funds(self) -> list[Fund]:
        """Result: every fund that Mission knows."""
        content = self._read("GET", "/funds")
        try:
            return [
                Fund(
                    external_id=str(each["external_id"]),
                    name=str(each["name"]),
                    parent=_text(each.get("parent")),
                    is_active=bool(each.get("is_active", True)),
                )
                for each in content["funds"]
            ]
        except (KeyError, TypeError) as error:
            raise self._unreadable("/funds") from error

    def counts(self, install: str) -> dict[Entity, dict[str, int]]:
        """Result: per entity its measures."""
        content = self._read("GET", f"/counts?{urlencode({'install': install})}")
        try:
            known = {entity.value: entity for entity in Entity}
            return {
                known[name]: {str(measure): int(value) for measure, value in measures.items()}
                for name, measures in content["entities"].items()
                if name in known
            }
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._unreadable("/counts") from error

    def totals(
        self,
        entity: Entity,
        install: str,
        by: Sequence[Dimension],
        *,
        date_from: str | None = None,
        date_to: str | None = None,
    ) -> Iterator[TotalsRow]:
        """Result: this install's contributions or attendance added up, ordered by key."""
        after: str | None = None
        while True:
            asked = {
                "install": install,
                "by": [dimension.value for dimension in by],
                "date_from": date_from,
                "date_to": date_to,
                "after": after,
                "limit": _PAGE,
            }
            content = self._read("POST", f"/{entity.value}/totals", asked)
            try:
                rows = [
                    TotalsRow(tuple(map(_text, row["key"])), int(row["count"]), _money(row["amount"]))
                    for row in content["rows"]
                ]
                after = _text(content.get("next"))
            except (KeyError, TypeError, ValueError) as error:
                raise self._unreadable(f"/{entity.value}/totals") from error
            yield from rows
            if after is None:
                return

    def lookup(self, entity: Entity, external_ids: Sequence[str]) -> list[Copy]:
        """Result: every copy of up to 500 records."""
        if len(external_ids) > MAX_BATCH_RECORDS:
            raise ValueError(f"at most {MAX_BATCH_RECORDS} records are looked up at once")
        if not external_ids:
            return []
        content = self._read("POST", f"/{entity.value}/lookup", {"external_ids": list(external_ids)})
        try:
            return [
                Copy(
                    mission_id=str(each["mission_id"]),
                    record=dict(each["record"]),
                    batch_key=_text(each.get("batch_key")),
                    updated_at=_text(each.get("updated_at")),
                )
                for each in content["records"]
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise self._unreadable(f"/{entity.value}/lookup") from error

    def external_ids(self, entity: Entity, install: str, after: str = "") -> Iterator[str]:
        """Result: the ids of this install's records in code point order; a doubled record's id comes twice."""
        cursor: str | None = after
        while cursor is not None:
            query = urlencode({"install": install, "after": cursor, "limit": _PAGE})
            content = self._read("GET", f"/{entity.value}/ids?{query}")
            try:
                found = [str(each) for each in content["external_ids"]]
                cursor = _text(content.get("next"))
            except (KeyError, TypeError) as error:
                raise self._unreadable(f"/{entity.value}/ids") from error
            yield from found

    def _read(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        try:
            return self._patiently(lambda: self._read_once(method, path, body))
        except BatchFailed as error:
            if self._patience is None or path == "/status":
                raise
            # It has failed twenty times: what cannot be read is not verified, and the import must not wait for it.
            raise Fatal(ErrorCode.MISSION_READBACK_MISSING, error.detail) from error

    def _read_once(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        headers = dict(self._headers)
        content: bytes | None = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = orjson.dumps(body)
        answer = self._transport.exchange(method, _ROOT + path, headers, content)
        shown = path.partition("?")[0]
        if 200 <= answer.status < 300:
            parsed = _parsed(answer)
            if not isinstance(parsed, dict):
                raise self._unreadable(shown)
            return parsed
        self._raise_common(answer)
        if answer.status in _READ_REFUSED:
            if path == "/status":
                raise Fatal(ErrorCode.MISSION_NOT_FOUND, f"{self.host} answered {answer.status} to {_ROOT}{shown}")
            raise Fatal(ErrorCode.MISSION_READBACK_MISSING, f"{self.host} answered {answer.status} to {_ROOT}{shown}")
        if answer.status >= 500:
            told = f"{self.host} answered {answer.status} to {_ROOT}{shown}"
            raise BatchFailed(told, answer.status, None, "", retry_after_seconds=_retry_after(answer))
        raise Fatal(ErrorCode.MISSION_CONTRACT_UNKNOWN, f"{self.host} answered {answer.status} to {_ROOT}{shown}")

    def _raise_common(self, answer: Answer) -> None:
        """What every path answers alike: a busy service, a key that is not taken, an address that has moved."""
        if answer.status in _BUSY:
            raise Retryable(
                ErrorCode.MISSION_BUSY,
                f"{self.host} answered {answer.status}",
                retry_after_seconds=_retry_after(answer),
            )
        if answer.status in (401, 403):
            content = _parsed(answer)
            if isinstance(content, dict) and content.get("code") == "read-not-allowed":
                raise Fatal(ErrorCode.MISSION_READBACK_MISSING, f"{self.host} does not let this key read")
            raise Fatal(ErrorCode.MISSION_KEY_REVOKED, f"{self.host} answered {answer.status}")
        if 300 <= answer.status < 400:
            raise Fatal(ErrorCode.MISSION_NOT_FOUND, f"{self.host} sends us elsewhere ({answer.status})")

    def _unreadable(self, path: str) -> Fatal:
        return Fatal(
            ErrorCode.MISSION_CONTRACT_UNKNOWN,
            f"the answer of {self.host} to {_ROOT}{path} is not what version {CONTRACT_VERSION} says",
        )


def _batch_answer(answer: Answer, entity: Entity, bodies: Sequence[bytes]) -> BatchAnswer:
    content = _parsed(answer)
    try:
        results = [
            Result(each["external_id"], _STATUSES[each["status"]], each.get("code"), each.get("detail"))
            for each in content["results"]
        ]
        request_id = _text(content.get("request_id"))
    except (KeyError, TypeError, AttributeError):
        # Retryable: what became of the records is not known, and the same key brings the same answer.
        raise Retryable(ErrorCode.MISSION_ANSWER_UNREADABLE, "the answer to a batch cannot be read") from None
    if len(results) != len(bodies):
        told = f"{len(results)} results for {len(bodies)} records, request {request_id}"
        raise Retryable(ErrorCode.MISSION_ANSWER_UNREADABLE, told)
    refused = [at for at, result in enumerate(results) if result.status is ResultStatus.REFUSED]
    if not refused:
        return BatchAnswer(results, request_id, "")
    blamed = [bodies[at] for at in refused]
    for at in refused:
        found = results[at]
        detail = scrubbed_detail(entity, _text(found.detail) or "", [bodies[at]])
        results[at] = found._replace(code=_text(found.code), detail=detail)
    only = {"request_id": request_id, "results": [content["results"][at] for at in refused]}
    return BatchAnswer(results, request_id, scrubbed(entity, orjson.dumps(only), blamed))


def _parsed(answer: Answer) -> Any:
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _money(value: object) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError("not an amount") from error


def _retry_after(answer: Answer) -> float | None:
    text = (answer.retry_after or "").strip()
    if not text:
        return None
    if text.isdigit():
        return min(float(text), _MAX_RETRY_AFTER_SECONDS)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max((at - datetime.now(UTC)).total_seconds(), 0.0), _MAX_RETRY_AFTER_SECONDS)


def shown_url(url: str) -> str:
    """Result: Mission's address as it may be shown: without user and query."""
    address = address_of(url)
    scheme = "https" if address.secure else "http"
    return f"{scheme}://{address.shown}{quote(address.path)}"
