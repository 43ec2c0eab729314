"""From environment to services: read once per process, on the first call that needs them.

Nothing here calls storage: tables, queues and containers are made by the adapters when they are first written to.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field, fields

from pydantic import SecretStr

from functions.adapters.access import StorageAccess, credential_of
from functions.adapters.blobs import AzureBlobs
from functions.adapters.customer_accounts import AzureCustomerAccounts
from functions.adapters.data_accounts import AzureDataAccounts
from functions.adapters.entra import ConsentApp, EntraIdentity
from functions.adapters.key_file import KeyFile
from functions.adapters.key_vault import KeyVaultKey
from functions.adapters.mail_acs import AcsAccess, AcsMailer
from functions.adapters.mail_off import NoMailer
from functions.adapters.mail_smtp import SmtpAccess, SmtpMailer
from functions.adapters.no_identity import NoIdentity, NoWrapping
from functions.adapters.queues import AzureQueues
from functions.adapters.randomness import SystemTokens, utc_now
from functions.adapters.sealing import X25519Sealer
from functions.adapters.tables import AzureTables
from functions.adapters.webhook_deliverer import HttpsDeliverer
from functions.dashboard.mail_texts import LetterTexts
from functions.domain.identity_ports import IdentityService, KeyWrapping
from functions.domain.keys import derive
from functions.domain.mail import Mailer
from functions.domain.ports import Clock, Ports
from functions.identity_settings import IdentitySettings
from functions.logs import set_up_log
from functions.services import Deployment, assemble
from functions.services import Services as UseCases
from functions.settings import Settings, read_settings
from functions.settings import StorageAccess as StorageSetting


@dataclass(frozen=True, slots=True)
class Services(UseCases):
    """Everything that a trigger may call: the use cases, and what the edge itself needs."""

    settings: Settings
    clock: Clock
    csrf_key: bytes = field(repr=False)


_lock = threading.Lock()
_services: Services | None = None


def services() -> Services:
    """Result: the services of this process, built by the first call; raises Fatal(settings-invalid)."""
    global _services
    if _services is None:
        with _lock:
            if _services is None:
                set_up_log()
                settings = read_settings(os.environ)
                _services = build(settings, azure_ports(settings))
    return _services


def azure_ports(settings: Settings) -> Ports:
    """Result: the ports over the accounts that the settings name. Calls nothing."""
    ca_file = str(settings.storage_ca_file) if settings.storage_ca_file else None
    state = _access(settings.storage, ca_file)
    data = _access(settings.data_storage, ca_file) if settings.data_storage else None
    return Ports(
        tables=AzureTables(state),
        queues=AzureQueues(state),
        blobs=AzureBlobs(state),
        data_accounts=AzureDataAccounts(data),
        clock=utc_now,
        tokens=SystemTokens(),
        deliverer=HttpsDeliverer(),
        sealer=X25519Sealer(),
        mailer=_mailer(settings),
        mail_texts=LetterTexts(),
        identity=_identity(settings.identity),
        wrapping=_wrapping(settings.identity),
        customer_accounts=AzureCustomerAccounts(
            utc_now,
            local_url=settings.identity.local_storage_url or "",
            ca_file=ca_file if settings.identity.local_storage_url else None,
            outbound_addresses=settings.identity.outbound_addresses,
        ),
    )


def build(settings: Settings, ports: Ports) -> Services:
    """Result: the services over any ports."""
    secret = settings.secret_key.get_secret_value()
    deployment = Deployment(
        organization=settings.organization,
        organization_name=settings.organization_name,
        first_admin_tenant_id=settings.first_admin.tenant_id,
        first_admin_object_id=settings.first_admin.object_id,
        secret_key=secret,
        public_url=settings.public_url,
        support=settings.support or "",
        operator_mail=settings.mail.operators,
        storage_suffixes=settings.identity.suffixes,
        consent_secret_expires_on=settings.consent_secret_expires_on,
    )
    use_cases = assemble(ports, deployment, settings.limits)
    return Services(
        **{each.name: getattr(use_cases, each.name) for each in fields(UseCases)},
        settings=settings,
        clock=ports.clock,
        csrf_key=derive(secret, "forms"),
    )


def _mailer(settings: Settings) -> Mailer:
    """Result: what carries mail; calls nothing."""
    mail, sender = settings.mail, settings.mail.sender or ""
    if mail.acs is not None:
        ca_file = str(settings.storage_ca_file) if settings.storage_ca_file and settings.local_stack else None
        return AcsMailer(AcsAccess(mail.acs.endpoint, sender, _revealed(mail.acs.key), mail.acs.client_id, ca_file))
    if mail.smtp is not None:
        access = SmtpAccess(
            host=mail.smtp.host,
            port=mail.smtp.port,
            sender=sender,
            sender_name=settings.organization_name,
            security=mail.smtp.security,
            user=mail.smtp.user,
            password=_revealed(mail.smtp.password),
        )
        return SmtpMailer(access, utc_now)
    return NoMailer()


def _identity(settings: IdentitySettings) -> IdentityService:
    """Result: what signs customers in; calls nothing."""
    if settings.client_id is None or settings.client_secret is None:
        return NoIdentity()
    secret = settings.client_secret.get_secret_value()
    ca_file = str(settings.ca_file) if settings.ca_file else None
    return EntraIdentity(ConsentApp(settings.client_id, secret, settings.authority, ca_file))


def _wrapping(settings: IdentitySettings) -> KeyWrapping:
    """Result: what wraps the keys of stored secrets; calls nothing."""
    if settings.key_vault_key is not None:
        access = StorageAccess(identity_client_id=settings.key_vault_client_id)
        return KeyVaultKey(settings.key_vault_key, credential_of(access))
    return KeyFile(settings.key_file) if settings.key_file else NoWrapping()


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _access(setting: StorageSetting, ca_file: str | None) -> StorageAccess:
    string = setting.connection_string
    return StorageAccess(
        connection_string=string.get_secret_value() if string else None,
        blob_endpoint=setting.blob_endpoint,
        queue_endpoint=setting.queue_endpoint,
        table_endpoint=setting.table_endpoint,
        identity_client_id=setting.identity_client_id,
        ca_file=ca_file,
    )
