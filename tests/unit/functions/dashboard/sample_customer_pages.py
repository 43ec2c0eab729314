"""The pages for customers in every shape that matters, by name."""

from __future__ import annotations

from collections.abc import Callable

from functions.dashboard.connect_pages import choose_page, connect_page
from functions.dashboard.customer_pages import (
    approval_page,
    approved_page,
    customer_problem_page,
    leaving_page,
    reconnect_done_page,
    reconnect_page,
    reconnect_save_page,
    sign_in_refused_page,
)
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.project_page import project_page
from functions.domain.connection_views import Chosen, ConnectionStatusView, ContainersView, DraftView
from functions.domain.customer_link import LinkVisit, Shown
from functions.domain.views import AzureConnectionView, ConnectionKind, Page, ProjectStatus, SignInEndView
from migrate_contract.errors import ErrorCode, Fatal, MigrateError
from migrate_contract.problem import problem_for
from tests.unit.functions.dashboard import samples as s

HERE = "/reconnect/grace.p3v8c5n1r6tz.l1i2n3k4i5d6." + "0a" * 20
TENANT, APP = "ab1f708d-50f6-404c-a006-d71b2ac7a606", "5d0c1f0a-6c1e-4f1c-9a54-1d5d3c0b7f11"
LINK = LinkVisit("grace", s.PROJECT, "l1i2n3k4i5d6", s.NOW.replace(month=6, day=11))
ENDED = Shown(LINK, "contosofiles", "archive", connected=False, ended=True)
CONNECTED = Shown(LINK, "contosofiles", "archive", connected=True, ended=False)
NEW = Shown(LINK, "contosofiles", "archive", connected=False, ended=False)
PROBLEM = "5c1f0e2b9a7d"


def draft(**more: object) -> DraftView:
    values = {
        "draft_id": "d1r2a3f4t5i6d7e8",
        "project_id": s.PROJECT,
        "account": "contosofiles",
        "container": "archive",
        "tenant_id": TENANT,
        "person": "Olivia Owner (olivia@contoso.example)",
        "signed_in_at": s.ago(minutes=1),
        "expires_at": s.NOW.replace(hour=15),
    }
    return DraftView.model_validate({**values, **more})


def _reconnect(shown: Shown) -> str:
    return reconnect_page(s.frame(HERE, role=None), s.NOW, HERE, shown)


def _save(code: ErrorCode | None = None, detail: str = "") -> str:
    refusal = problem_for(code, detail, PROBLEM) if code else None
    return reconnect_save_page(s.frame(HERE, role=None), HERE, ENDED, draft(), refusal=refusal)


def _refused(code: ErrorCode, detail: str, *, approval: str = "", back: str = HERE) -> str:
    problem = problem_for(code, detail, PROBLEM)
    return sign_in_refused_page(s.frame("/connect/callback", role=None), problem, back=back, approval=approval)


def _connect(form: Form = EMPTY_FORM) -> str:
    return connect_page(s.frame(f"/projects/{s.PROJECT}/connect"), s.project(connected=False), form)


def _choose(listed: list[str], form: Form = EMPTY_FORM, fault: MigrateError | None = None) -> str:
    chosen = Chosen(draft(), ContainersView(containers=listed, listed=bool(listed)), fault)
    return choose_page(s.frame(f"/projects/{s.PROJECT}/connect/x"), s.project(), chosen, form)


def _project(status: ProjectStatus = ProjectStatus.IN_PROGRESS) -> str:
    connection = AzureConnectionView(
        kind=ConnectionKind.CUSTOMER,
        account="contosofiles",
        connected_at=s.ago(days=40),
        connected_by="customer link l1i2n3k4i5d6",
        container="archive",
        signed_in_as="Olivia Owner (olivia@contoso.example)",
    )
    ended = SignInEndView(at=s.ago(hours=2), reason="invalid_grant (50173): the grant was revoked")
    standing = ConnectionStatusView(
        account="contosofiles",
        container="archive",
        tenant_id=TENANT,
        signed_in_as=connection.signed_in_as,
        signed_in_at=s.ago(days=40),
        redeemed_at=s.ago(minutes=20),
        expires_at=s.ago(days=-90),
        last_grant_ends_at=s.ago(minutes=-40),
    )
    is_ended = status is ProjectStatus.AUTH_REQUIRED
    project = s.project(status, azure_connection=connection, sign_in_end=ended if is_ended else None)
    return project_page(
        s.frame(f"/projects/{s.PROJECT}"),
        s.NOW,
        project,
        connection=standing,
        agents=[s.agent()],
        jobs=Page(items=[s.failed_job() if is_ended else s.job()]),
    )


def _form(code: ErrorCode, detail: str, **typed: str) -> Form:
    return Form({name: [text] for name, text in typed.items()}, {}, problem_for(code, detail, PROBLEM))


def _problem(code: ErrorCode, detail: str) -> str:
    return customer_problem_page(s.frame(HERE, role=None), problem_for(code, detail, "5c1f0e2b9a7d"))


CUSTOMER_PAGES: dict[str, Callable[[], str]] = {
    "reconnect": lambda: _reconnect(ENDED),
    "reconnect-connected": lambda: _reconnect(CONNECTED),
    "reconnect-first": lambda: _reconnect(NEW),
    "reconnect-save": _save,
    "reconnect-save-refused": lambda: _save(
        ErrorCode.AZURE_ROLE_MISSING, "Olivia Owner (olivia@contoso.example) has no role on contosofiles."
    ),
    "reconnect-done": lambda: reconnect_done_page(s.frame(HERE, role=None)),
    "link-expired": lambda: _problem(ErrorCode.CUSTOMER_LINK_EXPIRED, "It worked until 2026-05-01 10:00 UTC."),
    "link-unavailable": lambda: _problem(ErrorCode.STORAGE_UNAVAILABLE, "The tables do not answer."),
    "approval": lambda: approval_page(
        s.frame("/approve/" + TENANT, role=None), f"https://login.microsoftonline.com/?client_id={APP}", TENANT
    ),
    "refused-declined": lambda: _refused(ErrorCode.AZURE_CONSENT_DENIED, "AADSTS65004: User declined to consent."),
    "refused-approval": lambda: _refused(
        ErrorCode.AZURE_APPROVAL_NEEDED,
        "AADSTS90094: Admin consent is required for the permissions requested by this application.",
        approval=f"https://api.theonemigrate.app/approve/{TENANT}",
    ),
    "refused-state": lambda: _refused(ErrorCode.SIGN_IN_STATE_LOST, "", back=""),
    "refused-ours": lambda: _refused(ErrorCode.IDENTITY_MISCONFIGURED, "invalid_client (7000215)"),
    "project-customer": _project,
    "project-auth-required": lambda: _project(ProjectStatus.AUTH_REQUIRED),
    "connect": _connect,
    "connect-refused": lambda: _connect(
        _form(
            ErrorCode.AZURE_ACCOUNT_NOT_FOUND, "contosofile.blob.core.windows.net is not known.", account="contosofile"
        )
    ),
    "choose": lambda: _choose(["archive", "finance-2024", "media", "shared-drive"]),
    "choose-unlisted": lambda: _choose([]),
    "choose-walled": lambda: _choose([], fault=Fatal(ErrorCode.AZURE_FIREWALL, "contosofiles.blob.core.windows.net")),
    "choose-refused": lambda: _choose(
        ["archive", "media"],
        _form(ErrorCode.AZURE_ROLE_SCOPE, "Cora Container (cora@contoso.example)", picked="media", container=""),
    ),
    "approved": lambda: approved_page(s.frame("/connect/approved", role=None)),
}
LEAVING = {
    "leaving": lambda: leaving_page(
        s.frame(HERE, role=None),
        "https://login.microsoftonline.com/x?a=b&c=d",
        "login.microsoftonline.com",
        "contosofiles",
    )
}
"""Goes away by itself, so it is not in the gallery."""
