"""Questions before an action that cannot be taken back: a dialog, or without JavaScript a page of its own.

Nouns: a *typed* confirmation asks for a name to be typed; the server compares it too.
"""

from __future__ import annotations

from dataclasses import dataclass

from functions.domain.views import AgentView, ClientView, CodeView, JobAction, JobView, ProjectView

NOT_THE_NAME = "This is not the name. Type it exactly as it is shown."


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One question. `key` is unique on its page; `page` asks it without JavaScript; `action` is posted to."""

    key: str
    page: str
    action: str
    back: str
    title: str
    text: str
    button: str
    keep: str = "Keep it"
    typed: str | None = None
    danger: bool = True


def is_name(typed: str, name: str) -> bool:
    """Result: whether the right name was typed; space around it and runs of space are forgiven."""
    return " ".join(typed.split()) == " ".join(name.split())


def cancel_job(job: JobView) -> Confirmation:
    """Result: the question before a job is cancelled."""
    here = f"/jobs/{job.job_id}"
    return Confirmation(
        key="cancel",
        page=f"{here}/confirm-cancel",
        action=f"{here}/cancel",
        back=here,
        title="Cancel this job?",
        text="The agent stops at once. What is in Mission stays there; a rerun later sends only the rest."
        if job.rockrms
        else "The agent stops at once. What is copied stays where it is; a rerun later sends only the rest.",
        button="Cancel the job",
        keep="Let it go on",
    )


def delete_job(job: JobView) -> Confirmation:
    """Result: the question before a job is deleted."""
    here = f"/jobs/{job.job_id}"
    return Confirmation(
        key="delete",
        page=f"{here}/confirm-delete",
        action=f"{here}/delete",
        back=here,
        title="Delete this job?",
        text="Its history, its error log, its report and its certificate are removed for good. "
        "RockRMS and Mission are not touched."
        if job.rockrms
        else "Its history, its list of files and its report are removed for good. "
        "Files at the source and in the container are not touched.",
        button="Delete the job",
        typed=job.name,
    )


def cut_over(job: JobView) -> Confirmation:
    """Result: the question before a sync's last run."""
    here = f"/jobs/{job.job_id}"
    return Confirmation(
        key="cutover",
        page=f"{here}/confirm-cutover",
        action=f"{here}/cutover",
        back=here,
        title="Run a last time?",
        text="The job runs now and compares every file by its hash. Its schedule is switched off with that: "
        "nothing runs by itself any more.",
        button="Cut over now",
        keep="Not yet",
        danger=False,
    )


def confirm_mirror(job: JobView) -> Confirmation:
    """Result: the question before a mirror deletes: the container's name is typed."""
    here = f"/jobs/{job.job_id}"
    mirror = job.progress.mirror if job.progress else None
    rules = job.sync.mirror if job.sync else None
    listed = f"{mirror.surplus_files:,} files are on the list of attempt {job.attempt}. " if mirror else ""
    brake = f", at most {rules.max_delete_files:,} files and {rules.max_delete_percent:g} % in one run" if rules else ""
    return Confirmation(
        key="mirror",
        page=f"{here}/confirm-mirror",
        action=f"{here}/mirror/confirm",
        back=here,
        title="Delete in the container what is gone from the source?",
        text=f"{listed}From the next run on they are deleted{brake}. Without soft delete on the storage account "
        "that cannot be taken back.",
        button="Confirm the mirror",
        typed=job.blob.container,
    )


def for_job(job: JobView) -> list[Confirmation]:
    """Result: the questions that this job's possible actions need."""
    asked = {
        JobAction.CUTOVER: cut_over,
        JobAction.MIRROR_CONFIRM: confirm_mirror,
        JobAction.CANCEL: cancel_job,
        JobAction.DELETE: delete_job,
    }
    return [question(job) for action, question in asked.items() if action in job.actions]


def revoke_agent(agent: AgentView) -> Confirmation:
    """Result: the question before an agent's key is revoked."""
    here = f"/agents/{agent.agent_id}"
    return Confirmation(
        key="revoke",
        page=f"{here}/confirm-revoke",
        action=f"{here}/revoke",
        back=here,
        title="Revoke this agent?",
        text="Its key stops working for good and the process ends. Its unfinished jobs wait for another agent. "
        "To use the machine again, register it with a new code.",
        button="Revoke the agent",
        typed=agent.name,
    )


def revoke_code(code: CodeView) -> Confirmation:
    """Result: the question before an open registration code is revoked."""
    return Confirmation(
        key=f"code-{code.code_id}",
        page=f"/registration-codes/{code.code_id}/confirm-revoke?client_id={code.client_id}",
        action=f"/registration-codes/{code.code_id}/revoke?client_id={code.client_id}",
        back=f"/clients/{code.client_id}",
        title="Revoke this registration code?",
        text="It can no longer be used to register an agent. Agents that have registered are not touched.",
        button="Revoke the code",
    )


def disconnect(project: ProjectView) -> Confirmation:
    """Result: the question before a project loses its Azure connection."""
    here = f"/projects/{project.project_id}"
    connection = project.azure_connection
    kept = " The sign-in that is kept here is destroyed." if connection is not None and connection.signs_in else ""
    return Confirmation(
        key="disconnect",
        page=f"{here}/confirm-disconnect",
        action=f"{here}/azure-connection/disconnect",
        back=here,
        title="Disconnect Azure Storage?",
        text=f"Jobs that work get no new access and stop within the hour. Nothing in the container is deleted.{kept}",
        button="Disconnect",
    )


def revoke_link(project: ProjectView, link_id: str) -> Confirmation:
    """Result: the question before a link for the customer is revoked."""
    here = f"/projects/{project.project_id}/links"
    return Confirmation(
        key=f"link-{link_id}",
        page=f"{here}/{link_id}/confirm-revoke",
        action=f"{here}/{link_id}/revoke",
        back=here,
        title="Revoke this link?",
        text="Whoever opens it afterwards is told to ask for a new one. The connection itself stays as it is.",
        button="Revoke the link",
    )


def delete_project(project: ProjectView) -> Confirmation:
    """Result: the question before a project is deleted."""
    here = f"/projects/{project.project_id}"
    return Confirmation(
        key="delete",
        page=f"{here}/confirm-delete",
        action=f"{here}/delete",
        back=here,
        title="Delete this project?",
        text="Only a project without jobs can be deleted. Files in its containers are not touched.",
        button="Delete the project",
        typed=project.name,
    )


def delete_client(client: ClientView) -> Confirmation:
    """Result: the question before a client is deleted."""
    here = f"/clients/{client.client_id}"
    return Confirmation(
        key="delete",
        page=f"{here}/confirm-delete",
        action=f"{here}/delete",
        back=here,
        title="Delete this client?",
        text="Only a client without projects and with no agent in use can be deleted.",
        button="Delete the client",
        typed=client.name,
    )
