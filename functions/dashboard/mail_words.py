"""What each mail says, in simple words: pure, from its facts. The templates beside it only lay it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from functions.dashboard import mail_words_connection, mail_words_jobs, mail_words_operators
from functions.dashboard.mail_word_parts import Facts, MailWords, one_line
from functions.domain.mail import MailContext, MailKind

_KIND_WORDS = {
    MailKind.CONNECTION_EXPIRING: "a connection to Azure Storage that ends soon",
    MailKind.CONNECTION_EXPIRED: "a connection to Azure Storage that has ended",
    MailKind.JOB_FAILED: "failed jobs",
    MailKind.JOB_COMPLETED_WITH_FAILURES: "jobs that completed with failures",
    MailKind.FINANCIAL_MISMATCH: "imports whose money does not match",
    MailKind.AGENT_OFFLINE: "agents that are offline",
    MailKind.JOB_STUCK: "jobs that are stuck",
    MailKind.SIGN_IN_FAILING: "sign-ins that fail",
    MailKind.IDENTITY_PROVIDER_MISCONFIGURED: "a refused app registration",
    MailKind.CLIENT_SECRET_EXPIRING: "a client secret that expires",
}


def kind_words(kind: MailKind) -> str:
    """Result: the kind as one names it: "mail about ..."; empty for kinds that are only sent by hand."""
    return _KIND_WORDS.get(kind, "")


def mail_words(kind: MailKind, facts: Facts, context: MailContext) -> MailWords:
    """Result: what the mail says. Facts are words from anywhere: each is made one line of bounded length."""
    safe = {name: one_line(value) for name, value in facts.items()}
    plain = MailContext(
        organization_name=one_line(context.organization_name),
        project_name=one_line(context.project_name),
        client_name=one_line(context.client_name),
        link=context.link,
        support=one_line(context.support),
        unsubscribe_link=context.unsubscribe_link,
    )
    return _WRITERS[kind](safe, plain)


_WRITERS: Mapping[MailKind, Callable[[Facts, MailContext], MailWords]] = {
    MailKind.CONNECTION_EXPIRING: mail_words_connection.expiring,
    MailKind.CONNECTION_EXPIRED: mail_words_connection.expired,
    MailKind.RECONNECT_LINK: mail_words_connection.reconnect,
    MailKind.JOB_FAILED: mail_words_jobs.job_failed,
    MailKind.JOB_COMPLETED_WITH_FAILURES: mail_words_jobs.job_with_failures,
    MailKind.FINANCIAL_MISMATCH: mail_words_jobs.money_differs,
    MailKind.AGENT_OFFLINE: mail_words_jobs.agent_offline,
    MailKind.JOB_STUCK: mail_words_jobs.job_stuck,
    MailKind.SIGN_IN_FAILING: mail_words_operators.sign_in_failing,
    MailKind.IDENTITY_PROVIDER_MISCONFIGURED: mail_words_operators.identity,
    MailKind.CLIENT_SECRET_EXPIRING: mail_words_operators.secret_expiring,
    MailKind.TEST: mail_words_operators.test,
}
