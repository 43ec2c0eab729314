"""Limits in time and number (product page, Limits and defaults). All are settings: tests shorten them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The defaults are the product's; settings may override each."""

    heartbeat_active_seconds: float = 30
    heartbeat_idle_seconds: float = 60
    heartbeat_jitter: float = 0.2
    late_seconds: float = 90
    offline_seconds: float = 300
    lease_seconds: float = 600
    code_lifetime_seconds: float = 86_400
    code_replay_seconds: float = 900
    """How long the same install may redeem its used code again (a lost answer)."""
    code_tries: int = 10
    code_tries_window_seconds: float = 900
    grant_seconds: float = 3600
    key_rotation_seconds: float = 2_592_000
    key_overlap_seconds: float = 86_400
    clone_window_seconds: float = 600
    clone_changes: int = 3
    redispatch_seconds: float = 15
    """A start that nothing has taken up for so long is sent again: with the sweep's 30 s and an idle heartbeat it stays
    within the two minutes that the product promises."""
    undelivered_seconds: float = 600
    scan_stalled_seconds: float = 1800
    sync_interval_seconds: float = 3600
    """Runs of a schedule are at least so far apart (an hour is the most that this can ask for)."""
    code_retention_seconds: float = 7_776_000
    """How long a code that was used, revoked or has expired stays listed with its fate (90 days)."""
    token_life_days: float = 90
    """How long a sign-in lives without a renewal (Entra ID: 90 days for a confidential client)."""
    redeem_every_days: float = 7
    """How often an unfinished project's sign-in is renewed, whether a job needs it or not."""
    token_check_seconds: float = 480
    """How long one run of the checker begins looks; what is left is the next run's."""
    token_check_workers: int = 16
    """Looks at once: nearly all of their time is spent waiting for the sign-in service."""
    token_claim_seconds: float = 600
    """A look that was begun so long ago and is not done was cut off, and may be made again."""
    token_report_days: float = 90
    identity_silence_seconds: float = 86_400
    """The operator is alerted when renewals have not succeeded for so long because nothing answers."""
    poison_alert_seconds: float = 86_400
    """How long the alert of a message that failed stays open without another such message: it is an event, which
    nothing that the sweep can look at ends."""
    agent_silent_seconds: float = 900
    """An agent with work that is silent for so long is an event, which people and other systems are told of."""
    sign_in_failures: int = 3
    """So many failed sign-ins of a project within the window below alert the operator."""
    sign_in_failures_window_seconds: float = 3600
    event_retention_seconds: float = 47_304_000
    """How long events stay listed (18 months, as summaries do)."""
    webhooks_most: int = 10
    """Of one project, and of the organization as a whole."""
    webhook_claim_seconds: float = 120
    """How long one instance may be about to try a delivery before another does. Far longer than a try can take."""
    webhook_run_seconds: float = 20
    """What one sweep spends on deliveries: the rest waits for the next."""
    delivery_retention_seconds: float = 2_592_000
    """How long the log of deliveries reaches back (30 days)."""
    link_life_seconds: float = 2_592_000
    """How long a customer link works, unless the connection is saved before (30 days)."""
    mail_per_minute: int = 30
    """What the mail service takes on a domain of one's own; on an Azure-managed domain it is 5, and 10 an hour."""
    mail_per_hour: int = 100
    mail_claim_seconds: float = 600
    """How long one instance may be about to send a copy before another asks what became of it. Must be far longer than
    a request to the mail service can take."""
    mail_retry_seconds: float = 60
    """The first wait after a fault of the mail service; it doubles up to an hour."""
    mail_status_seconds: float = 30
    """After so long the service is asked what became of a mail that it took; the wait doubles up to an hour."""
    mail_retention_seconds: float = 7_776_000
    """How long a mail stays listed (90 days), and so how long the same letter is not posted again."""
    mail_run_seconds: float = 20
    """What one sweep spends on mail: the rest waits for the next."""
    sign_in_seconds: float = 600
    """From the click to Microsoft's answer; what the answer is checked against is kept for so long."""
    draft_seconds: float = 3600
    """A sign-in that is not saved within this time is destroyed."""
    agent_check_seconds: float = 150
    """How long an agent has for a check that an operator waits for: an idle heartbeat and a slow network fit in."""
    role_wait_seconds: float = 600
    """A role takes up to 10 minutes to act: refusals for want of one may pass for so long."""
