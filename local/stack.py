"""The stack as one object: start it, restart or kill parts of it, stop it, describe it to outside clients."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from functions.domain.connection import APPROVED_PATH, CALLBACK_PATH
from local import customer_cloud
from local.app_settings import SHORT_TIMES, CustomerAddresses, app_settings, mail_settings
from local.azurite import Azurite, StorageAccount
from local.certificates import certificates_in
from local.customer_cloud import CustomerCloud
from local.entra.process import Entra
from local.functions_host.easyauth import SignIn, write_sign_in
from local.functions_process import FunctionsHost, FunctionsHostOptions
from local.identity import DATA_ACCOUNT, STATE_ACCOUNT, StackOperator, identity_in
from local.mail.process import MailServer
from local.members import install_members
from local.mission.process import Mission
from local.operator_api import ApiRefused, OperatorApi
from local.processes import ChildProcess, ProcessFailed
from local.rock.process import Rock
from local.storage_front.process import StorageFront

APP_DIRECTORY = Path(__file__).resolve().parent.parent
CHURCH_SEED = 7
SIGN_IN_FILE = "sign-in.json"
"""In the stack's folder: the operators whom the functions host signs in."""


CORE_TOOLS_FRONT_URL = "http://localhost:7080"
"""Where the sign-in front of the Core Tools answers: a customer's sign-in may come back there too."""


class Stack:
    """The whole system in one folder: this repository's app in a functions host, and the Azure that it talks to.

    `azurite` holds our own accounts and the customers'; `entra` signs the customers' people in; `storage_front` is
    the way to a customer's account; `mail` keeps the mail that the app sends.

    The folder makes it the same stack after `stop` and `start`: same ports, keys and data. `settings` add to
    or replace the app settings. With `church_people`, there is a church to import too: `rock`, a SQL Server with
    a generated RockRMS database of about so many people, and `mission`, where it goes. A stack is started once at a
    time; its methods are not for several threads.
    """

    def __init__(
        self,
        directory: Path,
        *,
        settings: Mapping[str, str] | None = None,
        https: bool = False,
        message_lease_seconds: int = 600,
        church_people: int = 0,
    ) -> None:
        """Choose ports and write keys and certificates; nothing runs before `start`."""
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)
        self.directory = directory
        self.identity = identity_in(directory)
        self.certificates = certificates_in(directory / "certificates")
        self.azurite = Azurite(
            directory,
            self.certificates,
            {
                STATE_ACCOUNT: self.identity.state_account_key,
                DATA_ACCOUNT: self.identity.data_account_key,
                **self.customer.account_keys(),
            },
            ports=self.identity.azurite_ports,
        )
        api_url = f"{'https' if https else 'http'}://127.0.0.1:{self.identity.api_port}"
        registered = self.customer.directory(
            tuple(site + path for site in (api_url, CORE_TOOLS_FRONT_URL) for path in (CALLBACK_PATH, APPROVED_PATH))
        )
        certificates_directory = directory / "certificates"
        self.entra = Entra(directory, certificates_directory, registered, self.identity.entra_ports)
        self.storage_front = StorageFront(
            directory,
            certificates_directory,
            self.azurite,
            self.entra,
            self.customer.accounts(),
            self.identity.storage_front_ports,
        )
        self.mail = MailServer(
            directory, certificates_directory, self.identity.mail_key, self.identity.mail_ports, self.state_account
        )
        self.mission = Mission(
            directory, certificates_directory, self.identity.mission_key, self.identity.mission_ports
        )
        self.rock = Rock(
            directory,
            certificates_directory,
            self.identity.rock_password,
            self.identity.rock_port,
            people=church_people,
            seed=CHURCH_SEED,
        )
        self._has_church = church_people > 0
        addresses = CustomerAddresses(self.entra.authority, self.storage_front.url, self._write_wrapping_key())
        self.settings = {
            **app_settings(self.identity, self.azurite, addresses, self.certificates.ca_file, api_url),
            **mail_settings(self.mail.url, self.identity.mail_key),
            **(settings or {}),
        }
        self.host = FunctionsHost(
            FunctionsHostOptions(
                app_directory=APP_DIRECTORY,
                directory=directory,
                port=self.identity.api_port,
                certificates=self.certificates,
                sign_in_file=self._write_sign_in(),
                settings=self.settings,
                https=https,
                message_lease_seconds=message_lease_seconds,
            )
        )

    @property
    def api_url(self) -> str:
        """Where agents, operators and browsers reach the control plane."""
        return self.host.url

    @property
    def ca_file(self) -> Path:
        """The authority that signed every certificate of the stack."""
        return self.certificates.ca_file

    @property
    def data_account(self) -> StorageAccount:
        """The account that jobs copy into."""
        return self.azurite.account(DATA_ACCOUNT)

    @property
    def customer(self) -> CustomerCloud:
        """The customers' people, tenants and accounts."""
        return self.identity.customer

    @property
    def customer_account(self) -> StorageAccount:
        """The customer's account as its owner sees it: by key, and past the front (which logs nothing of it)."""
        return self.azurite.account(customer_cloud.ACCOUNT)

    @property
    def processes(self) -> dict[str, ChildProcess]:
        """Every process of the stack by its name in stack.json, in the order in which they are ended."""
        church = {"mission": self.mission.process, "sql_server": self.rock.process} if self._has_church else {}
        return {
            "functions_host": self.host.process,
            "mail": self.mail.process,
            "storage_front": self.storage_front.process,
            "identity": self.entra.process,
            "azurite": self.azurite.process,
            **church,
        }

    @property
    def state_account(self) -> StorageAccount:
        """The account of the control plane's own tables, queues and blobs."""
        return self.azurite.account(STATE_ACCOUNT)

    @property
    def operators(self) -> tuple[StackOperator, ...]:
        """Everybody whom the stack signs in; the first is the deployment's first Admin."""
        return self.identity.operators

    def authorization(self, operator: StackOperator | None = None) -> str:
        """The Authorization header of an operator, by default of the first Admin."""
        return f"Bearer {(operator or self.identity.first_admin).person.credential}"

    def operator_api(self, operator: StackOperator | None = None) -> OperatorApi:
        """The public API as that operator, by default as the first Admin."""
        person = (operator or self.identity.first_admin).person
        return OperatorApi(self.api_url, person.credential, ca_file=self.ca_file)

    def start(self) -> None:
        """Start everything; raises ProcessFailed or AzuriteMissing with nothing left running."""
        try:
            self.entra.launch()
            self.storage_front.launch()
            self.mail.launch()
            if self._has_church:
                self.mission.launch()
                self.rock.launch()
            self.azurite.start()
            self.entra.wait_ready()
            self.storage_front.wait_ready()
            self.mail.wait_ready()
            if self._has_church:
                self.mission.wait_ready()
                self.rock.wait_ready()
            install_members(self.state_account, self.ca_file, self.identity)
            self.host.start()
            self._require_health()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything in order; what is not running is fine."""
        for process in self.processes.values():
            process.stop()

    def __enter__(self) -> Self:
        """Start for a block."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop at its end."""
        self.stop()

    def restart_control_plane(self, *, kill: bool = False) -> None:
        """End the functions host, in order or as a crash would, and start it again on the same port."""
        self.host.kill() if kill else self.host.stop()
        self.host.start()

    def restart_azurite(self, *, kill: bool = False) -> None:
        """End the storage emulator, in order or as a crash would, and start it again with the same data."""
        self.azurite.kill() if kill else self.azurite.stop()
        self.azurite.start()

    def description(self) -> dict[str, Any]:
        """What stack.json says, but for the seed: every address and credential for outside clients."""
        people = [_operator(operator) for operator in self.operators]
        return {
            "api_url": self.api_url,
            "dashboard_url": f"{self.api_url}/",
            "sign_in_url": f"{self.api_url}/.auth/login/aad?post_login_redirect_uri=/",
            "ca_file": str(self.ca_file),
            "storage": {
                "account": self.data_account.name,
                "key": self.data_account.key,
                "blob_endpoint": self.data_account.blob_endpoint,
                "connection_string": self.data_account.connection_string,
                "sas_url": self.data_account.sas_url(),
            },
            "control_plane_storage": {
                "account": self.state_account.name,
                "key": self.state_account.key,
                "blob_endpoint": self.state_account.blob_endpoint,
                "queue_endpoint": self.state_account.queue_endpoint,
                "table_endpoint": self.state_account.table_endpoint,
                "connection_string": self.state_account.connection_string,
            },
            "customer": self._customer_description(),
            "mail": {"page_url": self.mail.page_url, "url": self.mail.url, "key": self.identity.mail_key},
            **(self._church_description() if self._has_church else {}),
            "operator": people[0],
            "operators": people,
            "settings": {name: self.settings[name] for name in SHORT_TIMES},
            "pids": {name: process.pid for name, process in self.processes.items()},
            "logs": {name: str(process.log_file) for name, process in self.processes.items()},
        }

    def _church_description(self) -> dict[str, Any]:
        """The church's side: its database, and Mission."""
        return {
            "rockrms": {
                "connection_string": self.rock.connection_string,
                "database": str(self.rock.database),
                "time_zone": self.rock.time_zone,
            },
            "mission": {
                "url": self.mission.url,
                "key": self.identity.mission_key,
                "page_url": self.mission.page_url,
                "control_url": self.mission.control_url,
            },
        }

    def _customer_description(self) -> dict[str, Any]:
        """The customer's side: which account to connect to, who can sign in, and where to make things go wrong."""
        account = self.customer_account
        return {
            "account": account.name,
            "blob_endpoint": self.storage_front.account_url(account.name),
            "key": account.key,
            "connection_string": account.connection_string,
            "tenant_id": self.customer.tenant_id,
            "authority": self.entra.authority,
            "identity_control_url": self.entra.control_url,
            "storage_control_url": self.storage_front.control_url,
            "people": [
                {"name": person.name, "username": person.username, "object_id": person.object_id, "tenant": tenant.name}
                for tenant in self.entra.registered.tenants
                for person in tenant.people
            ],
        }

    def _require_health(self) -> None:
        """An app that answers nothing but errors (a setting it refuses, say) has not started."""
        with self.operator_api() as api:
            try:
                api.call("GET", "/api/health")
            except ApiRefused as fault:
                raise ProcessFailed(f"the app does not work: {fault}\n{self.host.process.log_tail()}") from fault

    def _write_wrapping_key(self) -> Path:
        path = self.directory / "wrapping.key"
        path.touch(mode=0o600)
        path.write_text(self.identity.wrapping_key + "\n", "ascii")
        return path

    def _write_sign_in(self) -> Path:
        path = self.directory / SIGN_IN_FILE
        people = tuple(operator.person for operator in self.operators)
        key = base64.b64decode(self.identity.session_key)
        write_sign_in(path, SignIn(self.identity.audience, key, people))
        return path


def _operator(operator: StackOperator) -> dict[str, str]:
    return {
        "name": operator.person.name,
        "username": operator.person.username,
        "organization": operator.organization,
        "role": operator.role,
        "tenant_id": operator.person.tenant_id,
        "object_id": operator.person.object_id,
        "credential": operator.person.credential,
        "authorization": f"Bearer {operator.person.credential}",
    }
