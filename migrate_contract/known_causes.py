"""The causes of trouble that this product is known to meet: for each its code, and what detects and names it.

The words of the fix are the catalogue's; `says` are those without which it would not help. A cause without a detector,
or with a fix that has lost its words, fails tests/unit/test_known_causes.py.
"""

from __future__ import annotations

from typing import NamedTuple

from migrate_contract.errors import CATALOGUE, ErrorCode

_AGENT = "agent/src/migrate_agent"
_ROCK = f"{_AGENT}/rockrms"
_SERVICES = "functions/services"


class KnownCause(NamedTuple):
    """One cause. `symptom` is what a person sees; `detector` is the file that raises or records the code."""

    symptom: str
    cause: str
    code: ErrorCode
    detector: str
    says: tuple[str, ...]

    @property
    def fix(self) -> str:
        """Result: what to do, from the catalogue."""
        return CATALOGUE[self.code].fix


_E = ErrorCode
_OFFLINE = "The agent is offline right after its registration"
_CREATED = "A job stays created and never starts to scan"
_EXPIRED = "Azure credentials expired - re-authenticate via dashboard"
_CONNECTION = "The RockRMS connection test fails"
_ERRORED = "An import has many errored records"
_MONEY = "The financial total does not reconcile after an import"
_CODES = "Registration code already used, or expired"
_STALE = "The dashboard shows old progress after an agent is back"
_SUPPORT = "Unexpected data in Mission"

KNOWN_CAUSES = (
    KnownCause(
        _OFFLINE,
        "the process is not running",
        _E.AGENT_OFFLINE,
        f"{_SERVICES}/agent_sweep.py",
        ("migrate-agent start --service", "/api/health"),
    ),
    KnownCause(
        _OFFLINE,
        "the machine does not reach the control plane",
        _E.CONTROL_PLANE_UNREACHABLE,
        f"{_AGENT}/control/answers.py",
        ("outbound HTTPS", "/api/health"),
    ),
    KnownCause(
        _OFFLINE, "a proxy refuses the connection", _E.PROXY_REFUSED, f"{_AGENT}/control/answers.py", ("proxy",)
    ),
    KnownCause(
        _OFFLINE,
        "the code had expired",
        _E.REGISTRATION_CODE_EXPIRED,
        f"{_SERVICES}/enrolment.py",
        ("fresh code", "24 hours"),
    ),
    KnownCause(
        _CREATED,
        "the assigned agent is offline",
        _E.JOB_UNDELIVERED,
        f"{_SERVICES}/job_watch.py",
        ("Start the agent", "reassign"),
    ),
    KnownCause(
        _CREATED,
        "the job was given to a wrong agent",
        _E.AGENT_OF_ANOTHER_CLIENT,
        f"{_SERVICES}/lifecycle.py",
        ("agent of the project's own client",),
    ),
    KnownCause(
        _EXPIRED,
        "the customer's sign-in has ended",
        _E.AZURE_CREDENTIALS_EXPIRED,
        f"{_SERVICES}/sign_in_ends.py",
        ("Reconnect Azure Storage", "Storage Blob Data Contributor", "Save"),
    ),
    KnownCause(
        "A job fails with: Project has no Azure connection",
        "the project is not connected",
        _E.NO_AZURE_CONNECTION,
        f"{_SERVICES}/connections.py",
        ("connect Azure Storage",),
    ),
    KnownCause(
        "An import fails with: Project has no Mission connection",
        "the project is not connected to Mission",
        _E.NO_MISSION_CONNECTION,
        f"{_SERVICES}/missions.py",
        ("connect Mission",),
    ),
    KnownCause(
        _CONNECTION,
        "the server's name is wrong",
        _E.SQL_HOST_NOT_FOUND,
        f"{_ROCK}/reaching.py",
        ("name", "connection string"),
    ),
    KnownCause(
        _CONNECTION,
        "TCP/IP is off, the service is stopped, or the port is wrong",
        _E.SQL_REFUSED,
        f"{_ROCK}/reaching.py",
        ("TCP/IP", "SQL Server Configuration Manager", "1433"),
    ),
    KnownCause(
        _CONNECTION,
        "a firewall drops the packets",
        _E.SQL_TIMEOUT,
        f"{_ROCK}/reaching.py",
        ("agent's address", "1433", "firewall"),
    ),
    KnownCause(
        _CONNECTION, "something else listens on the port", _E.NOT_A_SQL_SERVER, f"{_ROCK}/probe.py", ("port", "1433")
    ),
    KnownCause(
        _CONNECTION,
        "the two sides do not agree on encryption",
        _E.SQL_ENCRYPTION_REFUSED,
        f"{_ROCK}/probe.py",
        ("Encrypt",),
    ),
    KnownCause(
        _CONNECTION,
        "the server's certificate is its own",
        _E.SQL_CERTIFICATE_UNTRUSTED,
        f"{_ROCK}/probe.py",
        ("TrustServerCertificate=true", "connection string"),
    ),
    KnownCause(
        _CONNECTION, "the credentials are wrong", _E.SQL_LOGIN_FAILED, f"{_ROCK}/probe.py", ("user", "password")
    ),
    KnownCause(
        _CONNECTION,
        "the account may not read the tables",
        _E.SQL_NO_READ_PERMISSION,
        f"{_ROCK}/rock_look.py",
        ("migrate-agent rockrms grant-script",),
    ),
    KnownCause(
        _CONNECTION,
        "the database's name is wrong",
        _E.SQL_DATABASE_NOT_FOUND,
        f"{_ROCK}/probe.py",
        ("name", "exactly"),
    ),
    KnownCause(
        _CONNECTION,
        "the database is not Rock's",
        _E.NOT_A_ROCKRMS_DATABASE,
        f"{_ROCK}/rock_look.py",
        ("web.ConnectionStrings.config",),
    ),
    KnownCause(
        _CONNECTION,
        "the string itself cannot be read",
        _E.SQL_CONNECTION_STRING_INVALID,
        f"{_ROCK}/connection_string.py",
        ("ADO.NET", "ODBC"),
    ),
    KnownCause(
        _CONNECTION,
        "no agent keeps a connection string",
        _E.NO_ROCKRMS_CONNECTION,
        f"{_SERVICES}/rock_connections.py",
        ("migrate-agent rockrms set-connection", "project's page"),
    ),
    KnownCause(
        _ERRORED,
        "people without names",
        _E.PERSON_UNNAMED,
        f"{_ROCK}/mapping/people.py",
        ("real person or a system record",),
    ),
    KnownCause(
        _ERRORED,
        "email addresses that cannot be right",
        _E.EMAIL_INVALID,
        f"{_ROCK}/mapping/people.py",
        ("imported without it",),
    ),
    KnownCause(
        _ERRORED,
        "Mission refused a batch or a record in it",
        _E.MISSION_RECORD_REFUSED,
        f"{_ROCK}/mission/sender.py",
        ("Mission's answer", "rerun"),
    ),
    KnownCause(
        _ERRORED,
        "a fund that Mission does not have",
        _E.FUND_MISSING,
        f"{_ROCK}/mission/sender.py",
        ("Choose a fund", "rerun"),
    ),
    KnownCause(
        _ERRORED,
        "a person that Mission does not have",
        _E.PERSON_REFERENCE_MISSING,
        f"{_ROCK}/mission/sender.py",
        ("import log",),
    ),
    KnownCause(
        _ERRORED,
        "the integration key was replaced or revoked",
        _E.MISSION_KEY_REVOKED,
        f"{_ROCK}/mission/adapter.py",
        ("integration key", "rerun"),
    ),
    KnownCause(
        _MONEY,
        "totals or records differ between RockRMS and Mission",
        _E.FINANCIAL_MISMATCH,
        f"{_SERVICES}/imports.py",
        ("names its records", "when the numbers differ"),
    ),
    KnownCause(
        _MONEY,
        "amounts that are not positive",
        _E.GIFT_NOT_POSITIVE,
        f"{_ROCK}/mapping/contributions.py",
        ("refund or a correction", "counts in the net"),
    ),
    KnownCause(
        _MONEY,
        "records that did not get into Mission",
        _E.RECORDS_ERRORED,
        f"{_SERVICES}/job_news.py",
        ("import log", "rerun"),
    ),
    KnownCause(
        _CODES,
        "the code was used",
        _E.REGISTRATION_CODE_USED,
        f"{_SERVICES}/enrolment.py",
        ("Agents list", "no action is needed", "new code"),
    ),
    KnownCause(
        _STALE,
        "the control plane refuses the agent's reports",
        _E.CONTROL_PLANE_UNREACHABLE,
        f"{_AGENT}/control/answers.py",
        ("/api/health",),
    ),
    KnownCause(
        "Scanning for 30 minutes without progress",
        "the source does not answer",
        _E.SCAN_STALLED,
        f"{_SERVICES}/job_watch.py",
        ("source", "migrate-agent logs"),
    ),
    KnownCause(
        "The sign-in to Azure fails again and again",
        "three failed sign-ins within an hour",
        _E.SIGN_IN_FAILING,
        f"{_SERVICES}/sign_in_failures.py",
        ("events",),
    ),
    KnownCause(
        _SUPPORT, "Mission's copy was changed or doubled", _E.COPY_DIFFERS, f"{_ROCK}/trace.py", ("record in Mission",)
    ),
)
"""Symptoms in the order of the troubleshooting guide."""
