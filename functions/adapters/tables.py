"""The Tables port over Azure Table Storage. Tables are made when they are first written to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.data.tables import (
    EdmType,
    EntityProperty,
    TableClient,
    TableEntity,
    TableServiceClient,
    TableTransactionError,
    UpdateMode,
)

from functions.adapters.access import StorageAccess, client_options, credential_of
from functions.adapters.faults import service_code, translated
from functions.domain.ports import (
    Condition,
    Operation,
    PageTokenRefused,
    Row,
    RowChanged,
    RowExists,
    RowMissing,
    RowPage,
    Value,
    Write,
)

_PAGE = 1000
"""The most that the service gives at once."""
_TABLE_MISSING = "TableNotFound"
_STALE = frozenset({"UpdateConditionNotSatisfied", "ConditionNotMet"})
_KEYS = frozenset({"PartitionKey", "RowKey"})


class AzureTables:
    """One storage account's tables. `on_request` is told the method and URL of each request that goes out."""

    def __init__(self, access: StorageAccess, on_request: Callable[[str, str], None] | None = None) -> None:
        options = client_options(access)
        if on_request is not None:
            options["raw_request_hook"] = lambda call: on_request(call.http_request.method, call.http_request.url)
        if access.connection_string:
            self._service = TableServiceClient.from_connection_string(access.connection_string, **options)
        else:
            self._service = TableServiceClient(
                endpoint=access.table_endpoint or "", credential=credential_of(access), **options
            )
        self._clients: dict[str, TableClient] = {}
        self._lock = threading.Lock()

    def get(self, table: str, pk: str, rk: str) -> Row | None:
        """See the port."""
        with translated("tables"):
            try:
                return _row(self._client(table).get_entity(pk, rk))
            except ResourceNotFoundError:
                return None

    def partition(self, table: str, pk: str, *, prefix: str = "") -> list[Row]:
        """See the port. More than 1,000 rows take further requests."""
        filter_, parameters = _filter(pk, pk, prefix, {})
        with translated("tables"):
            try:
                found = self._client(table).query_entities(filter_, parameters=parameters, results_per_page=_PAGE)
                return [_row(entity) for entity in found]
            except ResourceNotFoundError:
                return []

    def page(
        self,
        table: str,
        *,
        pk_from: str = "",
        pk_to: str = "",
        rk_prefix: str = "",
        where: Mapping[str, Condition] | None = None,
        limit: int = 100,
        continuation: str | None = None,
    ) -> RowPage:
        """See the port. One request: a page that the service cuts short stays short."""
        filter_, parameters = _filter(pk_from, pk_to, rk_prefix, where or {})
        token = _token(continuation)
        with translated("tables"):
            try:
                pages = (
                    self._client(table)
                    .query_entities(filter_, parameters=parameters, results_per_page=min(limit, _PAGE))
                    .by_page(continuation_token=token)
                )
                entities = list(next(pages, iter(())))
            except ResourceNotFoundError:
                return RowPage([], None)
            except HttpResponseError as error:
                if token is not None and error.status_code == 400:
                    raise PageTokenRefused from error
                raise
        following = getattr(pages, "continuation_token", None)
        return RowPage([_row(entity) for entity in entities], json.dumps(following) if following else None)

    def insert(self, table: str, pk: str, rk: str, values: Mapping[str, Value]) -> str:
        """See the port."""
        entity = _entity(pk, rk, values)
        return self._written(table, lambda client: client.create_entity(entity))

    def merge(self, table: str, pk: str, rk: str, values: Mapping[str, Value], etag: str | None) -> str:
        """See the port."""
        return self._update(table, _entity(pk, rk, values), UpdateMode.MERGE, etag)

    def replace(self, table: str, pk: str, rk: str, values: Mapping[str, Value], etag: str) -> str:
        """See the port."""
        return self._update(table, _entity(pk, rk, values), UpdateMode.REPLACE, etag)

    def upsert(self, table: str, pk: str, rk: str, values: Mapping[str, Value]) -> str:
        """See the port."""
        entity = _entity(pk, rk, values)
        return self._written(table, lambda client: client.upsert_entity(entity, mode=UpdateMode.REPLACE))

    def delete(self, table: str, pk: str, rk: str, etag: str | None = None) -> None:
        """See the port."""
        condition: dict[str, Any] = {"etag": etag, "match_condition": MatchConditions.IfNotModified} if etag else {}
        with translated("tables"):
            try:
                self._client(table).delete_entity(pk, rk, **condition)
            except ResourceNotFoundError:
                return
            except HttpResponseError as error:
                if error.status_code == 412:
                    raise RowChanged from error
                raise

    def transact(self, table: str, pk: str, operations: Sequence[Operation]) -> None:
        """See the port."""
        if not 1 <= len(operations) <= 100:
            raise ValueError("a transaction has 1 to 100 operations")
        batch = [_batched(pk, operation) for operation in operations]
        self._written(table, lambda client: client.submit_transaction(batch))

    def _update(self, table: str, entity: TableEntity, mode: UpdateMode, etag: str | None) -> str:
        condition: dict[str, Any] = {"etag": etag, "match_condition": MatchConditions.IfNotModified} if etag else {}
        return self._written(table, lambda client: client.update_entity(entity, mode=mode, **condition))

    def _written(self, table: str, write: Callable[[TableClient], Any]) -> str:
        """Result: the new etag ("" of a transaction). Makes the table if that is what was missing."""
        client = self._client(table)
        with translated("tables"):
            try:
                return _etag(_expecting(write, client))
            except _TableMissing:
                self._service.create_table_if_not_exists(table)
                return _etag(_expecting(write, client))

    def _client(self, table: str) -> TableClient:
        with self._lock:
            if table not in self._clients:
                self._clients[table] = self._service.get_table_client(table)
            return self._clients[table]


class _TableMissing(Exception):
    """The table itself is not there yet."""


def _expecting(write: Callable[[TableClient], Any], client: TableClient) -> Any:
    """Result: what the SDK answered; raises the port's exceptions."""
    try:
        return write(client)
    except HttpResponseError as error:
        code = service_code(error)
        if code == _TABLE_MISSING:
            raise _TableMissing from error
        if code == "EntityAlreadyExists" or isinstance(error, ResourceExistsError):
            raise RowExists from error
        if code in _STALE or error.status_code == 412:
            raise RowChanged from error
        if code == "ResourceNotFound" or isinstance(error, ResourceNotFoundError):
            raise RowMissing from error
        if isinstance(error, TableTransactionError) and error.status_code == 404:
            raise RowMissing from error
        raise


def _etag(answer: Any) -> str:
    return str(answer.get("etag") or "") if isinstance(answer, Mapping) else ""


def _batched(pk: str, operation: Operation) -> tuple[str, TableEntity, dict[str, Any]]:
    """Result: the operation as the SDK's transaction takes it."""
    entity = _entity(pk, operation.rk, operation.values)
    options: dict[str, Any] = {}
    if operation.etag:
        options = {"etag": operation.etag, "match_condition": MatchConditions.IfNotModified}
    match operation.write:
        case Write.INSERT:
            return "create", entity, {}
        case Write.REPLACE:
            return "update", entity, {**options, "mode": UpdateMode.REPLACE}
        case Write.MERGE:
            return "update", entity, {**options, "mode": UpdateMode.MERGE}
        case Write.UPSERT:
            return "upsert", entity, {"mode": UpdateMode.REPLACE}
        case Write.DELETE:
            return "delete", entity, options


def _entity(pk: str, rk: str, values: Mapping[str, Value]) -> TableEntity:
    """Result: the SDK's entity. Whole numbers are 64 bits wide; the SDK would take 32."""
    entity = TableEntity(PartitionKey=pk, RowKey=rk)
    for name, value in values.items():
        if value is None:
            continue
        if isinstance(value, datetime) and value.tzinfo is None:
            raise ValueError(f"{name} is a time without a zone")
        whole = isinstance(value, int) and not isinstance(value, bool)
        entity[name] = EntityProperty(value, EdmType.INT64) if whole else value
    return entity


def _row(entity: TableEntity) -> Row:
    values = {name: _value(value) for name, value in entity.items() if name not in _KEYS}
    return Row(entity["PartitionKey"], entity["RowKey"], values, str(entity.metadata["etag"]))


def _value(value: Any) -> Value:
    """Result: a plain value: the SDK has classes of its own for long numbers and times."""
    if isinstance(value, EntityProperty):
        return _value(value.value)
    if isinstance(value, datetime):
        utc = value.astimezone(UTC)
        return datetime(utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, utc.microsecond, tzinfo=UTC)
    return value  # type: ignore[no-any-return]


def _filter(pk_from: str, pk_to: str, rk_prefix: str, where: Mapping[str, Condition]) -> tuple[str, dict[str, Any]]:
    """Result: the query's text with its parameters, which no value can break out of."""
    parts: list[str] = []
    parameters: dict[str, Any] = {}

    def term(column: str, operator: str, value: Value) -> str:
        name = f"p{len(parameters)}"
        parameters[name] = value
        return f"{column} {operator} @{name}"

    if pk_from and pk_from == pk_to:
        parts.append(term("PartitionKey", "eq", pk_from))
    else:
        parts += [term("PartitionKey", "ge", pk_from)] if pk_from else []
        parts += [term("PartitionKey", "lt", pk_to)] if pk_to else []
    if rk_prefix:
        parts.append(term("RowKey", "ge", rk_prefix))
        parts.append(term("RowKey", "lt", rk_prefix[:-1] + chr(ord(rk_prefix[-1]) + 1)))
    for column, wanted in where.items():
        choices = wanted if isinstance(wanted, tuple) else (wanted,)
        alternatives = " or ".join(term(column, "eq", choice) for choice in choices)
        # The SDK finds parameters between spaces: one that touches the bracket would not be found.
        parts.append(f"({alternatives} )" if choices else "(PartitionKey eq '')")
    return " and ".join(parts), parameters


def _token(continuation: str | None) -> Any:
    """Result: the SDK's own continuation: a mapping, although its types say text."""
    if continuation is None:
        return None
    try:
        token = json.loads(continuation)
    except ValueError as error:
        raise PageTokenRefused from error
    if not isinstance(token, dict) or not set(token) <= _KEYS:
        raise PageTokenRefused
    return token
