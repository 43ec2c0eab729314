"""Which operation a request is, and what each role allows where."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.storage_front.accounts import CONTRIBUTOR, DELEGATOR, READER, Account, Accounts, Fault, Role
from local.storage_front.operations import DELEGATION_KEY, Operation, operation_of


@pytest.mark.parametrize(
    ("method", "path", "query", "name"),
    [
        ("GET", "/acct/", "comp=list", "ListContainers"),
        ("GET", "/acct", "comp=list", "ListContainers"),
        ("POST", "/acct/", "restype=service&comp=userdelegationkey", DELEGATION_KEY),
        ("PUT", "/acct/box", "restype=container", "CreateContainer"),
        ("GET", "/acct/box", "restype=container&comp=list", "ListBlobs"),
        ("PUT", "/acct/box/a/b.bin", "", "PutBlob"),
        ("PUT", "/acct/box/a/b.bin", "comp=block&blockid=1", "PutBlock"),
        ("PUT", "/acct/box/a/b.bin", "comp=blocklist", "PutBlockList"),
        ("HEAD", "/acct/box/a/b.bin", "sig=x", "GetBlobProperties"),
        ("DELETE", "/acct/box/a/b.bin", "", "DeleteBlob"),
        ("OPTIONS", "/acct/box", "", "OPTIONS"),
    ],
)
def test_operations_have_the_names_of_the_service(method: str, path: str, query: str, name: str):
    assert operation_of(method, path, query, {}).name == name


def test_names_are_decoded_and_copies_are_told_apart():
    operation = operation_of("PUT", "/acct/box/%C3%A4%20b%2Fc", "", {"X-Ms-Copy-Source": "https://elsewhere"})
    assert (operation.account, operation.container, operation.blob) == ("acct", "box", "ä b/c")
    assert operation.name == "CopyBlob"


def asked(name: str, container: str = "") -> Operation:
    return Operation(name, "acct", container, "", {})


@pytest.mark.parametrize(
    ("role", "container", "operation", "allowed"),
    [
        (CONTRIBUTOR, None, asked(DELEGATION_KEY), True),
        (CONTRIBUTOR, None, asked("ListContainers"), True),
        (CONTRIBUTOR, "box", asked("PutBlob", "box"), True),
        (CONTRIBUTOR, "box", asked("PutBlob", "other"), False),
        (CONTRIBUTOR, "box", asked(DELEGATION_KEY), False),
        (CONTRIBUTOR, "box", asked("ListContainers"), False),
        (DELEGATOR, None, asked(DELEGATION_KEY), True),
        (DELEGATOR, None, asked("GetBlob", "box"), False),
        (READER, None, asked("GetBlob", "box"), True),
        (READER, None, asked("PutBlob", "box"), False),
        (READER, None, asked("CreateContainer", "box"), False),
    ],
)
def test_roles(role: str, container: str | None, operation: Operation, allowed: bool):
    account = Account("acct", "tenant", [Role("olivia", role, container)])
    assert account.allows("olivia", operation) is allowed
    assert account.allows("nora", operation) is False


def test_a_fresh_role_acts_after_some_refusals():
    account = Account("acct", "tenant", [Role("olivia", CONTRIBUTOR, refusals_left=2)])
    assert [account.allows("olivia", asked("PutBlob", "box")) for _ in range(3)] == [False, False, True]


def test_faults_are_counted_and_accounts_outlive_a_restart(tmp_path: Path):
    path = tmp_path / "accounts.json"
    configured = [{"name": "acct", "tenant_id": "tenant", "roles": []}]
    accounts = Accounts(path, configured)
    accounts.faults.append(Fault(503, "ServerBusy", operation="PutBlob", times=1))
    assert accounts.fault(asked("GetBlob", "box")) is None
    assert accounts.fault(asked("PutBlob", "box")) is not None
    assert accounts.fault(asked("PutBlob", "box")) is None
    account = accounts.get("acct")
    assert account is not None
    account.firewall = True
    accounts.save()
    again = Accounts(path, configured).get("acct")
    assert again is not None
    assert again.firewall
