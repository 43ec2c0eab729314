"""What the services need from the world, as protocols. Adapters implement them over Azure, tests over memory.

Nouns: a *row* is one table entity, named by partition key (pk) and row key (rk); its *etag* changes with every write;
a *data account* is a storage account that migrated files go to, apart from the account that keeps our own state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Protocol

from functions.domain.mail import Mailer, MailTexts

if TYPE_CHECKING:  # It is built on this module.
    from functions.domain.identity_ports import CustomerAccounts, IdentityService, KeyWrapping

type Value = str | int | float | bool | datetime | bytes | None
"""A column. None is dropped: a column cannot be emptied by a merge, only overwritten."""
type Condition = Value | tuple[Value, ...]
"""What a column must equal; a tuple means any of these."""
type Clock = Callable[[], datetime]
"""The time now, aware, in UTC."""


@dataclass(frozen=True, slots=True)
class Row:
    """One table entity as it was read."""

    pk: str
    rk: str
    values: Mapping[str, Value]
    etag: str


class RowExists(Exception):
    """An insert found a row of the same keys."""


class RowChanged(Exception):
    """The row's etag is no longer the one that was passed."""


class RowMissing(Exception):
    """There is no row of these keys."""


class PageTokenRefused(Exception):
    """The continuation token was not made by this adapter for such a query."""


@unique
class Write(StrEnum):
    """What one operation of a transaction does; set by the service that builds it."""

    INSERT = "insert"
    REPLACE = "replace"
    MERGE = "merge"
    UPSERT = "upsert"
    """Replace the row whatever its version, or insert it: only for rows that one writer derives anew each time."""
    DELETE = "delete"
    """Needs the row to be there; a version is compared if an etag is given."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One write of a transaction; all of them are in one partition."""

    write: Write
    rk: str
    values: Mapping[str, Value] = field(default_factory=dict)
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class RowPage:
    """Some rows of a longer answer; `continuation` is the adapter's own token, None at the end."""

    rows: list[Row]
    continuation: str | None


class Tables(Protocol):
    """Table Storage. Every method may raise `Retryable(storage-unavailable)`."""

    def get(self, table: str, pk: str, rk: str) -> Row | None:
        """Result: the row, or None."""

    def partition(self, table: str, pk: str, *, prefix: str = "") -> list[Row]:
        """Result: the partition's rows whose row key begins with `prefix`, in row key order; one query."""

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
        """Result: up to `limit` rows with pk_from <= pk < pk_to (empty: no bound; equal: that partition) in key order.

        A page may hold fewer rows than there are, even none: only `continuation` None means the end.
        Raises PageTokenRefused.
        """

    def insert(self, table: str, pk: str, rk: str, values: Mapping[str, Value]) -> str:
        """Result: the new etag. Raises RowExists."""

    def merge(self, table: str, pk: str, rk: str, values: Mapping[str, Value], etag: str | None) -> str:
        """Overwrites these columns only; etag None means whatever version is there. Result: the new etag.

        Raises RowChanged, RowMissing.
        """

    def replace(self, table: str, pk: str, rk: str, values: Mapping[str, Value], etag: str) -> str:
        """Overwrites the whole row. Result: the new etag. Raises RowChanged, RowMissing."""

    def upsert(self, table: str, pk: str, rk: str, values: Mapping[str, Value]) -> str:
        """Overwrites the whole row whatever its version, or inserts it. Result: the new etag."""

    def delete(self, table: str, pk: str, rk: str, etag: str | None = None) -> None:
        """Removes the row; nothing happens if it is gone. Raises RowChanged if an etag is given and differs."""

    def transact(self, table: str, pk: str, operations: Sequence[Operation]) -> None:
        """All of 1 to 100 operations or none. Raises RowChanged, RowExists, RowMissing."""


class Queues(Protocol):
    """Queue Storage: messages are hints, delivered at least once, in no order."""

    def send(self, queue: str, message: Mapping[str, str], delay_seconds: int = 0) -> None:
        """Sends one JSON object. Raises Retryable(storage-unavailable)."""


@dataclass(frozen=True, slots=True)
class BlobItem:
    """One blob of a listing."""

    name: str
    size_bytes: int
    metadata: Mapping[str, str]


class Blobs(Protocol):
    """Blob Storage of our own state. Containers are made on first use."""

    def put(self, container: str, name: str, content: bytes, metadata: Mapping[str, str] | None = None) -> None:
        """Writes the blob, over an older one if there is one. Metadata: ASCII."""

    def get(self, container: str, name: str) -> bytes | None:
        """Result: the content, or None if there is no such blob."""

    def list(self, container: str, prefix: str) -> list[BlobItem]:
        """Result: the blobs below `prefix` in name order, with their metadata."""

    def delete_prefix(self, container: str, prefix: str) -> int:
        """Removes every blob below `prefix`. Result: how many."""


@dataclass(frozen=True, slots=True)
class ContainerGrant:
    """A signature for one container. Never written down, never logged."""

    container_url: str
    sas_token: str = field(repr=False)
    expires_at: datetime


class DataAccount(Protocol):
    """One storage account that files go to, opened with what its connection holds."""

    @property
    def account(self) -> str:
        """The account's name."""

    @property
    def blob_endpoint(self) -> str:
        """`https://host[/account]`, no slash at the end."""

    def ensure_container(self, container: str) -> None:
        """Makes the container if it is not there. Raises Retryable, Fatal(target-access-denied)."""

    def grant(self, container: str, seconds: float) -> ContainerGrant:
        """Result: access to the container for so long: create, write, list, read; never delete.

        Raises Retryable, Fatal(target-access-denied).
        """

    def mirror_grant(self, container: str, seconds: float) -> ContainerGrant:
        """Result: as `grant`, but to list, read and delete: the mirror's own (product page, Files)."""


class DataAccounts(Protocol):
    """Opens data accounts by connection; one method per connection kind, so that a kind brings its own arguments."""

    def deployment(self) -> DataAccount | None:
        """Result: the account that this deployment owns; None where none is set up."""


class Tokens(Protocol):
    """Randomness."""

    def identifier(self, length: int) -> str:
        """Result: so many characters of a-z and 0-9."""

    def secret(self) -> str:
        """Result: 256 random bits, URL-safe."""

    def text(self, length: int, alphabet: str) -> str:
        """Result: so many characters of `alphabet`, each equally likely."""

    def fraction(self) -> float:
        """Result: 0 <= x < 1, for jitter."""


class Sealer(Protocol):
    """Seals a text so that nobody but the holder of a private key can read it, not even we."""

    def seal(self, public_key: str, plain: str, bound_to: bytes) -> str:
        """Result: the sealed text, as `migrate_contract.sealing_format` writes it; it opens only with `bound_to`.

        Raises Fatal(sealed-text-unreadable) for what is no public key.
        """


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """One POST to a webhook."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """What came back: the status alone, since nothing of the body is read."""

    status: int


class Deliverer(Protocol):
    """Carries requests to hosts that somebody else named."""

    def deliver(self, request: WebhookRequest) -> WebhookAnswer:
        """Posts once. Result: the answer, whatever its status; redirects are answers like any other.

        Connects to the very address that was checked, and only to a public one. Ends within some seconds.
        Raises Fatal(webhook-url-refused), Fatal(webhook-address-refused), Retryable(webhook-host-unknown),
        Retryable(webhook-unreachable), Retryable(webhook-tls-not-trusted).
        """


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything from outside that the services are built on."""

    tables: Tables
    queues: Queues
    blobs: Blobs
    data_accounts: DataAccounts
    clock: Clock
    tokens: Tokens
    mailer: Mailer
    mail_texts: MailTexts
    deliverer: Deliverer
    identity: IdentityService
    wrapping: KeyWrapping
    customer_accounts: CustomerAccounts
    sealer: Sealer
