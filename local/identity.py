"""What makes a stack the same stack after a restart: its ports, account keys, secrets and operators.

Kept in one file, readable by its owner only.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import secrets
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.azurite import new_account_key
from local.customer_cloud import CustomerCloud, new_customer_cloud
from local.functions_host.principal import LocalOperator
from local.ports import free_ports, is_listening

STATE_ACCOUNT = "devstoreaccount1"
"""The account that holds the control plane's own state; the emulator's customary name."""
DATA_ACCOUNT = "migrationdata"
"""The account that a `deployment` connection copies into."""
ORGANIZATION = "local"
OTHER_ORGANIZATION = "elsewhere"


@dataclass(frozen=True)
class StackOperator:
    """An operator of the stack, with the organization and role that they are a member with."""

    organization: str
    role: str
    person: LocalOperator


@dataclass(frozen=True)
class StackIdentity:
    """Everything random about one stack."""

    azurite_ports: tuple[int, int, int]
    api_port: int
    entra_ports: tuple[int, int]
    """Of the identity server, and of its control API."""
    storage_front_ports: tuple[int, int]
    mail_ports: tuple[int, int]
    """Of the mail service, and of its control side with the page of sent mail."""
    mission_ports: tuple[int, int]
    """Of Mission, and of its control side with the page of what it holds."""
    rock_port: int
    """Of the church's SQL Server."""
    state_account_key: str = field(repr=False)
    data_account_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    session_key: str = field(repr=False)
    wrapping_key: str = field(repr=False)
    """Wraps the keys of the secrets that the product stores, as a key of Key Vault does in Azure."""
    mail_key: str = field(repr=False)
    mission_key: str = field(repr=False)
    """The integration key that Mission takes at first."""
    rock_password: str = field(repr=False)
    customer: CustomerCloud
    audience: str
    tenant_id: str
    operators: tuple[StackOperator, ...]

    @property
    def ports(self) -> tuple[int, ...]:
        """Every port that a server of the stack listens on."""
        azure = (*self.azurite_ports, self.api_port, *self.entra_ports, *self.storage_front_ports, *self.mail_ports)
        return (*azure, *self.mission_ports, self.rock_port)

    @property
    def first_admin(self) -> StackOperator:
        """The operator whom the deployment names as its first Admin."""
        return self.operators[0]


def new_identity() -> StackIdentity:
    """A fresh identity, with an Admin in each of two organizations and an Operator and a Reader in the first."""
    tenant_id = str(uuid.uuid4())
    people = (
        ("Local Operator", "operator", ORGANIZATION, "Admin"),
        ("Other Operator", "other", OTHER_ORGANIZATION, "Admin"),
        ("Second Operator", "second", ORGANIZATION, "Operator"),
        ("Local Reader", "reader", ORGANIZATION, "Reader"),
    )
    operators = tuple(
        StackOperator(
            organization,
            role,
            LocalOperator(
                tenant_id=tenant_id,
                object_id=str(uuid.uuid4()),
                name=name,
                username=f"{user}@onemigrate.local",
                credential=secrets.token_urlsafe(32),
            ),
        )
        for name, user, organization, role in people
    )
    return StackIdentity(
        **_fresh_ports(),
        state_account_key=new_account_key(),
        data_account_key=new_account_key(),
        secret_key=base64.b64encode(secrets.token_bytes(32)).decode("ascii"),
        session_key=base64.b64encode(secrets.token_bytes(32)).decode("ascii"),
        wrapping_key=base64.b64encode(secrets.token_bytes(32)).decode("ascii"),
        mail_key=base64.b64encode(secrets.token_bytes(64)).decode("ascii"),
        mission_key=f"mk_{secrets.token_urlsafe(24)}",
        rock_password=secrets.token_urlsafe(18),
        customer=new_customer_cloud(),
        audience=str(uuid.uuid4()),
        tenant_id=tenant_id,
        operators=operators,
    )


def identity_in(directory: Path) -> StackIdentity:
    """The identity of the stack in that folder, made there if it has none."""
    path = directory / "identity.json"
    if path.exists():
        return _read(path)
    directory.mkdir(parents=True, exist_ok=True)
    identity = new_identity()
    write_private_json(path, dataclasses.asdict(identity))
    return identity


def renew_ports(directory: Path) -> None:
    """Give a stack that does not run other ports if something else has taken one of its own."""
    identity = identity_in(directory)
    if any(is_listening(port) for port in identity.ports):
        moved = dataclasses.replace(identity, **_fresh_ports())
        write_private_json(directory / "identity.json", dataclasses.asdict(moved))


def _fresh_ports() -> dict[str, Any]:
    """Free ports for every server, by field."""
    blob, queue, table, api, *others = free_ports(13)
    return {
        "azurite_ports": (blob, queue, table),
        "api_port": api,
        "entra_ports": (others[0], others[1]),
        "storage_front_ports": (others[2], others[3]),
        "mail_ports": (others[4], others[5]),
        "mission_ports": (others[6], others[7]),
        "rock_port": others[8],
    }


def _read(path: Path) -> StackIdentity:
    document = json.loads(path.read_text("utf-8"))
    if "rock_port" not in document:  # a stack of a version that had none: its data stays
        document = {**dataclasses.asdict(new_identity()), **document}
        write_private_json(path, document)
    operators = tuple(
        StackOperator(entry["organization"], entry["role"], LocalOperator(**entry["person"]))
        for entry in document.pop("operators")
    )
    ports: dict[str, Any] = {
        name: tuple(document.pop(name))
        for name in ("azurite_ports", "entra_ports", "storage_front_ports", "mail_ports", "mission_ports")
    }
    customer = CustomerCloud(**document.pop("customer"))
    return StackIdentity(operators=operators, customer=customer, **ports, **document)


def write_private_json(path: Path, document: object) -> None:
    """Write a JSON file as a whole, readable by its owner only."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
    fresh.replace(path)
