"""Every page and form of the dashboard."""

from __future__ import annotations

from functions.triggers import (
    pages_agents,
    pages_clients,
    pages_connect,
    pages_help,
    pages_home,
    pages_imports,
    pages_job_actions,
    pages_job_sync,
    pages_jobs,
    pages_links,
    pages_mail,
    pages_projects,
    pages_reconnect,
    pages_rockrms,
    pages_sign_in,
    pages_static,
    pages_webhooks,
)

PAGES = (
    pages_agents.pages,
    pages_clients.pages,
    pages_connect.pages,
    pages_help.pages,
    pages_home.pages,
    pages_imports.pages,
    pages_job_actions.pages,
    pages_job_sync.pages,
    pages_jobs.pages,
    pages_links.pages,
    pages_mail.open_pages,
    pages_mail.pages,
    pages_projects.pages,
    pages_reconnect.pages,
    pages_rockrms.pages,
    pages_sign_in.pages,
    pages_static.pages,
    pages_webhooks.pages,
)
