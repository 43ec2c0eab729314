"""The words of mails about jobs and agents: their readers are operators, the catalogue says what to do."""

from __future__ import annotations

from functions.dashboard.mail_word_parts import (
    Facts,
    MailWords,
    entry_of,
    operator_reads,
    project_of,
    route_rows,
    rows_of,
)
from functions.domain.mail import MailContext
from migrate_contract.errors import CATALOGUE, ErrorCode


def job_failed(facts: Facts, context: MailContext) -> MailWords:
    """Result: the mail of a failed job."""
    entry = entry_of(facts)
    return MailWords(
        subject=f"Job failed: {facts['job_name']} ({project_of(context)})",
        tone="bad",
        headline=f"Job {facts['job_name']} has failed",
        paragraphs=(f"A job of the project {project_of(context)} has ended before all files were copied.",),
        rows=rows_of(
            ("Project", project_of(context)),
            ("Job", facts["job_name"]),
            ("What happened", entry.title),
            ("Details", facts.get("detail", "")),
            ("Code", facts["code"]),
            *route_rows(facts),
        ),
        fix=entry.fix,
        button="Open the job",
        afterwards="When the cause is mended, rerun the job: what it has copied and verified is not copied again.",
        reader=operator_reads(context),
    )


def job_with_failures(facts: Facts, context: MailContext) -> MailWords:
    """Result: the mail of a job that could not copy or import all."""
    if facts.get("unit") == "record":
        return _import_with_failures(facts, context)
    failed = "1 file" if facts["failed"] == "1" else f"{facts['failed']} files"
    return MailWords(
        subject=f"Completed with failures: {facts['job_name']} ({project_of(context)})",
        tone="warn",
        headline=f"Job {facts['job_name']} has completed, without {failed}",
        paragraphs=(f"A job of the project {project_of(context)} is done, but {failed} could not be copied.",),
        rows=rows_of(
            ("Project", project_of(context)),
            ("Job", facts["job_name"]),
            ("Not copied", failed),
            ("Copied", facts.get("transferred", "")),
            ("Unchanged", facts.get("unchanged", "")),
            *route_rows(facts),
        ),
        fix="Open the job, read the list of failed files with the reason of each, mend it, then retry the failed files "
        "only.",
        button="Open the job",
        afterwards="Until then the copies of these files are missing or old; all others are complete.",
        reader=operator_reads(context),
    )


def _import_with_failures(facts: Facts, context: MailContext) -> MailWords:
    """Result: the mail of an import of which records are not in Mission."""
    failed = "1 record" if facts["failed"] == "1" else f"{facts['failed']} records"
    return MailWords(
        subject=f"Import completed with failures: {facts['job_name']} ({project_of(context)})",
        tone="warn",
        headline=f"Import {facts['job_name']} has completed, without {failed}",
        paragraphs=(f"An import of the project {project_of(context)} is done, but {failed} are not in Mission.",),
        rows=rows_of(
            ("Project", project_of(context)),
            ("Import", facts["job_name"]),
            ("Not in Mission", failed),
            ("Imported", facts.get("transferred", "")),
            ("Unchanged", facts.get("unchanged", "")),
        ),
        fix="Open the job, read its import log with the reason and the fix of each record, mend them, then rerun: only "
        "what is missing or changed is sent.",
        button="Open the job",
        afterwards="Until then these records are missing in Mission, and its totals do not match RockRMS.",
        reader=operator_reads(context),
    )


def money_differs(facts: Facts, context: MailContext) -> MailWords:
    """Result: the mail of an import whose totals do not match."""
    unexplained = " ".join(filter(None, (facts.get("unexplained", ""), facts.get("currency", ""))))
    return MailWords(
        subject=f"Money does not match: {facts['job_name']} ({project_of(context)})",
        tone="bad",
        headline=f"Import {facts['job_name']}: the money does not match",
        paragraphs=(
            f"The import of the project {project_of(context)} was verified: RockRMS and Mission do not have the same "
            "totals. Each row that differs names its records.",
        ),
        rows=rows_of(
            ("Project", project_of(context)),
            ("Import", facts["job_name"]),
            ("Rows that differ", facts.get("differing", "")),
            ("Unexplained", unexplained),
            ("Details", facts.get("detail", "")),
        ),
        fix=CATALOGUE[ErrorCode.FINANCIAL_MISMATCH].fix,
        button="Open the job",
        afterwards="Do not sign the certificate until the rows match or each difference is explained.",
        reader=operator_reads(context),
    )


def agent_offline(facts: Facts, context: MailContext) -> MailWords:
    """Result: the mail of an agent that is offline with work to do."""
    return MailWords(
        subject=f"Agent offline with work to do: {facts['agent_name']} ({project_of(context)})",
        tone="bad",
        headline=f"Agent {facts['agent_name']} is offline",
        paragraphs=(
            f"The agent has work of the project {project_of(context)} and has not been heard from since "
            f"{facts['since']}.",
        ),
        rows=rows_of(
            ("Project", project_of(context)),
            ("Agent", facts["agent_name"]),
            ("Offline since", facts["since"]),
            ("Its work", facts.get("jobs", "")),
        ),
        fix="Check that the computer runs and reaches the Internet, then type on it: migrate-agent status. If the "
        "service is stopped, type: migrate-agent start --service.",
        button="Open the agent",
        afterwards="When the agent is back it goes on by itself, without copying anything twice.",
        reader=operator_reads(context),
    )


def job_stuck(facts: Facts, context: MailContext) -> MailWords:
    """Result: the mail of a job that does not move."""
    entry = entry_of(facts)
    return MailWords(
        subject=f"Job does not move: {facts['job_name']} ({project_of(context)})",
        tone="warn",
        headline=f"Job {facts['job_name']} does not move",
        paragraphs=(f"A job of the project {project_of(context)} has made no progress for some time.",),
        rows=rows_of(
            ("Project", project_of(context)),
            ("Job", facts["job_name"]),
            ("What happened", entry.title),
            ("Details", facts.get("detail", "")),
            ("Since", facts.get("since", "")),
            ("Code", facts["code"]),
        ),
        fix=entry.fix,
        button="Open the job",
        afterwards="The job goes on by itself as soon as it can.",
        reader=operator_reads(context),
    )
