"""Which operation of the Blob service a request is, in the service's own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

WRITES = frozenset(
    {
        "PutBlob",
        "PutBlock",
        "PutBlockList",
        "AppendBlock",
        "CopyBlob",
        "SetBlobMetadata",
        "SetBlobProperties",
        "SetBlobTier",
        "DeleteBlob",
    }
)
"""What changes a blob."""
DELEGATION_KEY = "GetUserDelegationKey"

_ACCOUNT = {
    ("GET", "list"): "ListContainers",
    ("GET", "properties"): "GetBlobServiceProperties",
    ("POST", "userdelegationkey"): DELEGATION_KEY,
    ("POST", "batch"): "Batch",
}
_CONTAINER = {
    ("PUT", ""): "CreateContainer",
    ("GET", ""): "GetContainerProperties",
    ("HEAD", ""): "GetContainerProperties",
    ("DELETE", ""): "DeleteContainer",
    ("GET", "list"): "ListBlobs",
    ("PUT", "metadata"): "SetContainerMetadata",
}
_BLOB = {
    ("PUT", ""): "PutBlob",
    ("PUT", "block"): "PutBlock",
    ("PUT", "blocklist"): "PutBlockList",
    ("PUT", "appendblock"): "AppendBlock",
    ("PUT", "metadata"): "SetBlobMetadata",
    ("PUT", "properties"): "SetBlobProperties",
    ("PUT", "tier"): "SetBlobTier",
    ("GET", ""): "GetBlob",
    ("HEAD", ""): "GetBlobProperties",
    ("GET", "metadata"): "GetBlobMetadata",
    ("GET", "blocklist"): "GetBlockList",
    ("DELETE", ""): "DeleteBlob",
}


@dataclass(frozen=True)
class Operation:
    """A request: its operation, and what it is about (names decoded; "" where there is none)."""

    name: str
    account: str
    container: str
    blob: str
    query: Mapping[str, str]


def operation_of(method: str, raw_path: str, query_string: str, headers: Mapping[str, str]) -> Operation:
    """The operation; one that is not known is named by its method."""
    account, _, rest = raw_path.lstrip("/").partition("/")
    container, _, blob = rest.partition("/")
    query = dict(parse_qsl(query_string, keep_blank_values=True))
    key = (method, query.get("comp", ""))
    names = _BLOB if blob else _CONTAINER if container else _ACCOUNT
    name = names.get(key, method)
    if name == "PutBlob" and any(header.lower() == "x-ms-copy-source" for header in headers):
        name = "CopyBlob"
    return Operation(name, unquote(account), unquote(container), unquote(blob), query)
