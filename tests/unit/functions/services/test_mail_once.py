"""Never lost, never twice: a crash and a second instance at every step, over a service that keeps doubles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from functions.domain.mail import MailDraft, MailKind
from functions.domain.mail_rows import CopyState
from functions.domain.mail_views import RecipientBody
from functions.services import Services, assemble
from tests.harness.stepped import Stepped, Steps
from tests.memory.world import ADMIN, DEPLOYMENT, ORGANIZATION, World

ADDRESSES = ("a@church.example", "b@church.example")
GAP = "before mailer.send"
"""The one place where a pause longer than a claim is not noticed: between the look at the clock and the request."""


class Crash(BaseException):
    """The process ends here: nothing after it runs, no handler either."""


def crash() -> None:
    raise Crash


class Deployment:
    """Several instances of the control plane over the same storage and the same mail service."""

    def __init__(self, addresses: tuple[str, ...] = ADDRESSES) -> None:
        self.world = World()
        self.project_id = self.world.project(self.world.client())
        for address in addresses:
            self.world.services.recipients.add(ADMIN, self.project_id, RecipientBody(address=address))
        self.draft = MailDraft(
            MailKind.CONNECTION_EXPIRED,
            self.project_id,
            self.project_id,
            self.world.clock().date(),
            {"reason": "The sign-in was revoked."},
        )
        self.addresses = addresses

    def instance(self, steps: Steps) -> Services:
        ports = replace(
            self.world.ports,
            tables=Stepped(self.world.tables, "tables", steps),
            mailer=Stepped(self.world.mailer, "mailer", steps),
            mail_texts=Stepped(self.world.ports.mail_texts, "texts", steps),
        )
        return assemble(ports, DEPLOYMENT, self.world.limits)

    def work(self, services: Services) -> None:
        """What an instance does: it finds a reason for the mail, and sweeps twice."""
        services.outbox.post(ORGANIZATION, self.draft)
        services.outbox.run(20)
        self.world.clock.forward(31)
        services.outbox.run(20)

    def finish(self) -> None:
        """An instance that nothing happens to: whoever posted posts again, and sweeps go on."""
        for sweep in range(4):
            self.work(self.instance(Steps()))
            self.world.clock.forward(self.world.limits.mail_claim_seconds + 1)
            if sweep and not self.world.tables.everything()["outbox"]:
                return

    def doubles(self) -> list[str]:
        """Who got the mail more than once; that nobody got none is asserted."""
        got = Counter(mail.message.to for mail in self.world.mailer.sent)
        assert set(got) == set(self.addresses)
        mails = self.world.services.mails.list(ADMIN, self.project_id).items
        assert [mail.state for mail in mails] == [CopyState.SENT.value] * len(self.addresses)
        assert self.world.tables.everything()["outbox"] == []
        return [address for address, times in got.items() if times > 1]


def steps_of(addresses: tuple[str, ...] = ADDRESSES) -> list[str]:
    """The steps of one undisturbed instance."""
    deployment, steps = Deployment(addresses), Steps()
    deployment.work(deployment.instance(steps))
    return steps.names


NAMES = steps_of()


def number(index: int) -> str:
    return f"{index}-{NAMES[index].replace(' ', '-')}"


def run_until(deployment: Deployment, at: dict[int, Callable[[], None]]) -> None:
    """One instance, with what is planned for its steps."""
    try:
        deployment.work(deployment.instance(Steps(at)))
    except Crash:
        return


def test_the_steps_are_all_there() -> None:
    kinds = Counter(name for name in NAMES if name.startswith("before"))
    assert kinds["before mailer.send"] == 2
    assert kinds["before mailer.status"] == 2
    assert kinds["before tables.transact"] == 1
    assert kinds["before tables.merge"] >= 6


@pytest.mark.parametrize("step", range(len(NAMES)), ids=number)
def test_a_crash_at_any_step_neither_loses_nor_doubles(step: int) -> None:
    deployment = Deployment()
    run_until(deployment, {step: crash})
    deployment.finish()
    assert deployment.doubles() == []


@pytest.mark.parametrize("step", range(len(NAMES)), ids=number)
def test_a_second_instance_at_any_step_neither_loses_nor_doubles(step: int) -> None:
    deployment = Deployment()
    run_until(deployment, {step: lambda: deployment.work(deployment.instance(Steps()))})
    deployment.finish()
    assert deployment.doubles() == []


@pytest.mark.parametrize("step", range(len(NAMES)), ids=number)
def test_an_instance_that_sleeps_at_any_step_longer_than_its_claim_doubles_only_in_the_known_gap(step: int) -> None:
    deployment = Deployment()

    def sleep() -> None:
        deployment.world.clock.forward(deployment.world.limits.mail_claim_seconds + 1)
        deployment.work(deployment.instance(Steps()))

    run_until(deployment, {step: sleep})
    deployment.finish()
    assert deployment.doubles() == [] or NAMES[step] == GAP


def test_a_crash_at_any_step_and_another_at_any_step_after_it() -> None:
    """Right after a step is the same moment as right before the next one, so each moment is tried once."""
    one = ADDRESSES[:1]
    names = steps_of(one)
    moments = [index for index, name in enumerate(names) if name.startswith("before")] + [len(names) - 1]
    for first in moments:
        for second in moments:
            deployment = Deployment(one)
            run_until(deployment, {first: crash})
            deployment.world.clock.forward(deployment.world.limits.mail_claim_seconds + 1)
            run_until(deployment, {second: crash})
            deployment.finish()
            assert deployment.doubles() == [], (first, second)
