"""The project's connection to Azure Storage as its page shows it: which account, who signed in, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from functions.dashboard.badges import Badge
from functions.domain.connection_views import ConnectionStatusView
from functions.domain.views import AzureConnectionView, ProjectStatus, ProjectView

_CONNECTED = Badge("Connected", "ok", "done")
_ENDED = Badge("Sign-in needed", "bad", "key")

_ACCESS_NOTE = "Access that an agent has been given cannot be taken back. It ends at that time unless it is renewed."

type Fact = tuple[str, str, datetime | None]


@dataclass(frozen=True, slots=True)
class ConnectionCard:
    """`facts`: label, words, and a time that follows them."""

    badge: Badge
    facts: list[Fact]
    signs_in: bool
    note: str = ""
    ended_because: str = ""


def connection_card(
    project: ProjectView, status: ConnectionStatusView | None, access_until: datetime | None
) -> ConnectionCard | None:
    """Result: the card; None where nothing is connected.

    `status`: of a customer's account; `access_until`: when the last access that was given ends.
    """
    connection = project.azure_connection
    if connection is None:
        return None
    ended = project.status is ProjectStatus.AUTH_REQUIRED
    facts = _facts(connection)
    if status is not None:
        facts.append(("Sign-in renewed", "", status.redeemed_at))
        if not ended:
            facts.append(("Ends without renewal", "", status.expires_at))
    if access_until is not None:
        facts.append(("Access given until", "", access_until))
    return ConnectionCard(
        badge=_ENDED if ended else _CONNECTED,
        facts=facts,
        signs_in=connection.signs_in,
        note=_ACCESS_NOTE if access_until else "",
        ended_because=project.sign_in_end.reason if project.sign_in_end else "",
    )


def _facts(connection: AzureConnectionView) -> list[Fact]:
    facts: list[Fact] = [("Storage account", connection.account, None)]
    if connection.container:
        facts.append(("Container", connection.container, None))
    if connection.signed_in_as:
        facts.append(("Signed in as", connection.signed_in_as, None))
    return [*facts, ("Connected", f"by {connection.connected_by},", connection.connected_at)]
