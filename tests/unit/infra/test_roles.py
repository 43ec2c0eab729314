"""Roles: the table of docs/roles.md, the array of Bicep and the SDK clients in the code agree."""

from __future__ import annotations

import re

import pytest

from tests.unit.infra.bicep import INFRA, ROOT, objects

ROLES = (INFRA / "modules" / "roles.bicep").read_bytes()
BUILT_IN = {
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-860f90f22bb6",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Blob Delegator": "db58b8e5-c6ad-4a2a-8342-4190687cbf4a",
    "Key Vault Crypto Service Encryption User": "e147488a-f6f5-4113-8e2d-b22465e65bf6",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
}
"""https://learn.microsoft.com/azure/role-based-access-control/built-in-roles"""
CALLS = {
    "BlobServiceClient": "Storage Blob Data Owner",
    "QueueServiceClient": "Storage Queue Data Contributor",
    "TableServiceClient": "Storage Table Data Contributor",
    "CryptographyClient": "Key Vault Crypto Service Encryption User",
    "get_user_delegation_key": "Storage Blob Delegator",
    "EmailClient": "OneMigrate Mail Sender",
}
"""What the code calls with the app's own identity, and the role that the call needs."""


def documented() -> dict[tuple[str, str], str]:
    rows = re.findall(
        r"^\| (\w+) \| ([^|]+) \| [^|]+ \| ([^|]+) \|$", (ROOT / "docs" / "roles.md").read_text(), re.MULTILINE
    )
    return {(on, role): code for on, role, code in rows if on != "on"}


def assigned(text: bytes = ROLES) -> dict[tuple[str, str], str]:
    return {
        (each["on"].strip("'"), each["name"].strip("'")): each["id"].strip("'")
        for each in objects(text)
        if {"on", "name", "id"} <= set(each)
    }


def test_the_table_and_the_array_agree() -> None:
    mail = {("mail", "OneMigrate Mail Sender")}
    assert set(documented()) == set(assigned()) | mail
    assert "OneMigrate Mail Sender" in (INFRA / "modules" / "mail-role.bicep").read_text()


@pytest.mark.parametrize("removed", sorted(assigned()))
def test_it_is_noticed_when_a_role_is_removed(removed: tuple[str, str]) -> None:
    name = removed[1].encode()
    text = re.sub(
        rb"  \{\n    on: '" + removed[0].encode() + rb"'\n    name: '" + name + rb"'\n    id: .*\n  \}\n", b"", ROLES
    )
    assert set(documented()) - set(assigned(text)) - {("mail", "OneMigrate Mail Sender")} == {removed}


def test_each_role_is_the_built_in_one_of_that_name() -> None:
    assert {name: identifier for (_, name), identifier in assigned().items()} == BUILT_IN


def test_every_kind_is_assigned_and_none_is_broader_than_its_resource() -> None:
    text = ROLES.decode()
    for on, _ in assigned():
        assert f"each.on == '{on}'" in text
    assert "scope: resourceGroup()" not in text


@pytest.mark.parametrize(("call", "role"), sorted(CALLS.items()))
def test_what_the_code_calls_has_its_role(call: str, role: str) -> None:
    users = [path for path in (ROOT / "functions").rglob("*.py") if call in path.read_text(encoding="utf-8")]
    assert users, f"{call} is called nowhere: its role is not needed"
    assert any(name == role for _, name in documented())


def test_the_code_that_the_table_names_is_there() -> None:
    for code in documented().values():
        assert (ROOT / code.strip()).is_file(), code


def test_no_other_azure_client_is_used() -> None:
    """A client that is new here needs a role: it is to be added to CALLS, the table and the array."""
    found: set[str] = set()
    for path in (ROOT / "functions").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found |= {
            name
            for line in re.findall(r"^from azure\.(?!core|functions|identity)\S+ import (.+)$", text, re.MULTILINE)
            for name in re.findall(r"\b\w+Client\b", line)
        }
    known = {*CALLS, "BlobClient", "ContainerClient", "QueueClient", "TableClient", "KeyClient"}
    assert found <= known, found - known
