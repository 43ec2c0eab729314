"""Links for customers: what they open, when they end, and that nothing of the token is kept."""

from __future__ import annotations

import json
from functools import partial

import pytest

from functions.domain.customer_link import CustomerLinkView
from functions.domain.limits import Limits
from functions.domain.views import ListQuery
from functions.services.link_purge import TABLE
from migrate_contract.errors import ErrorCode
from tests.memory.world import ADMIN, OPERATOR, ORGANIZATION, READER, STRANGER, World, limited, refused

DAY = 86_400


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def project(world: World) -> str:
    return world.project(world.client())


def create(world: World, project_id: str) -> CustomerLinkView:
    return world.services.customer_links.create(OPERATOR, project_id, "contosofiles", "archive")


def token_of(world: World, project_id: str, link_id: str) -> str:
    path = world.services.customer_links.address(ORGANIZATION, project_id, link_id)
    assert path.startswith("/reconnect/")
    return path.removeprefix("/reconnect/")


def new_token(world: World, project_id: str) -> str:
    return token_of(world, project_id, create(world, project_id).link_id)


def test_a_link_opens_its_project_as_often_as_wanted(world: World, project: str) -> None:
    token = new_token(world, project)
    for _ in range(3):
        visit = world.services.customer_links.open(token)
        assert (visit.organization, visit.project_id) == (ORGANIZATION, project)


def test_a_link_ends_after_thirty_days(world: World, project: str) -> None:
    token = new_token(world, project)
    world.clock.forward(30 * DAY - 1)
    world.services.customer_links.open(token)
    world.clock.forward(1)
    refused(ErrorCode.CUSTOMER_LINK_EXPIRED, lambda: world.services.customer_links.open(token))


def test_the_life_of_a_link_is_a_setting() -> None:
    world = World(Limits(link_life_seconds=60))
    token = new_token(world, world.project(world.client()))
    world.clock.forward(60)
    refused(ErrorCode.CUSTOMER_LINK_EXPIRED, lambda: world.services.customer_links.open(token))


def test_saving_the_connection_ends_every_open_link_of_the_project_and_no_other(world: World, project: str) -> None:
    other = world.project(world.client(name="Other"))
    links = world.services.customer_links
    ours, second, theirs = new_token(world, project), new_token(world, project), new_token(world, other)
    links.saved(ORGANIZATION, project)
    for token in (ours, second):
        refused(ErrorCode.CUSTOMER_LINK_DONE, partial(links.open, token))
    links.open(theirs)
    links.open(new_token(world, project))


def test_a_revoked_link_opens_nothing_and_stays_revoked_when_the_connection_is_saved(
    world: World, project: str
) -> None:
    links = world.services.customer_links
    link = create(world, project)
    links.revoke(OPERATOR, project, link.link_id)
    links.revoke(OPERATOR, project, link.link_id)
    links.saved(ORGANIZATION, project)
    refused(ErrorCode.CUSTOMER_LINK_REVOKED, lambda: links.open(token_of(world, project, link.link_id)))
    refused(ErrorCode.CUSTOMER_LINK_REVOKED, lambda: links.show_address(OPERATOR, project, link.link_id))
    [entry] = [e for e in world.services.audit.list(ADMIN, ListQuery()).items if e.action == "link.revoke"]
    assert (entry.actor, entry.subject, entry.detail) == ("Olga", project, link.link_id)


@pytest.mark.parametrize("part", range(4))
def test_a_token_that_was_changed_anywhere_is_unknown(world: World, project: str, part: int) -> None:
    links = world.services.customer_links
    other = create(world, world.project(world.client(name="Other")))
    token = new_token(world, project)
    parts = token.split(".")
    parts[part] = ["rival", other.link_id, other.link_id, "0" * 40][part]
    refused(ErrorCode.CUSTOMER_LINK_UNKNOWN, lambda: links.open(".".join(parts)))


@pytest.mark.parametrize("token", ["", ".", "....", "a" * 5000, "acme.x.y.z", "akme\u0301.a.b.c"])
def test_what_is_no_token_is_unknown(world: World, token: str) -> None:
    refused(ErrorCode.CUSTOMER_LINK_UNKNOWN, lambda: world.services.customer_links.open(token))


def test_a_cut_off_token_is_unknown(world: World, project: str) -> None:
    token = new_token(world, project)
    refused(ErrorCode.CUSTOMER_LINK_UNKNOWN, lambda: world.services.customer_links.open(token[:-1]))


def test_the_link_of_a_deleted_project_is_unknown(world: World, project: str) -> None:
    token = new_token(world, project)
    world.services.projects.delete(ADMIN, project)
    refused(ErrorCode.CUSTOMER_LINK_UNKNOWN, lambda: world.services.customer_links.open(token))
    assert world.tables.everything()[TABLE] == []


def test_mails_share_the_open_link_until_half_of_its_life_is_over(world: World, project: str) -> None:
    links = world.services.customer_links
    first = links.for_mail(ORGANIZATION, project)
    world.clock.forward(15 * DAY)
    assert links.for_mail(ORGANIZATION, project) == first
    [listed] = links.of_project(READER, project)
    assert listed.last_sent_at == world.clock()
    world.clock.forward(1)
    second = links.for_mail(ORGANIZATION, project)
    assert second != first
    for path in (first, second):
        links.open(path.removeprefix("/reconnect/"))
    links.saved(ORGANIZATION, project)
    assert links.for_mail(ORGANIZATION, project) not in {first, second}


def test_the_same_address_can_be_sent_again(world: World, project: str) -> None:
    links = world.services.customer_links
    link = create(world, project)
    before = links.show_address(OPERATOR, project, link.link_id)
    world.clock.forward(60)
    assert links.for_mail(ORGANIZATION, project) == before
    assert links.show_address(OPERATOR, project, link.link_id) == before


def test_links_are_listed_newest_first_and_old_ones_are_removed_with_the_next(world: World, project: str) -> None:
    links = world.services.customer_links
    first = create(world, project)
    world.clock.forward(DAY)
    second = create(world, project)
    assert [link.link_id for link in links.of_project(READER, project)] == [second.link_id, first.link_id]
    world.clock.forward(119 * DAY)
    third = create(world, project)
    assert [link.link_id for link in links.of_project(READER, project)] == [third.link_id, second.link_id]


def test_nothing_of_the_token_is_kept(world: World, project: str) -> None:
    token = new_token(world, project)
    signature = token.rpartition(".")[2]
    everything = world.tables.everything()
    assert len(everything[TABLE]) == 1
    kept = json.dumps([[row.pk, row.rk, dict(row.values)] for t in everything.values() for row in t], default=str)
    assert signature not in kept


def test_only_operators_who_may_see_the_project_make_and_end_links(world: World, project: str) -> None:
    links = world.services.customer_links
    link = create(world, project)
    outsider = limited("cli_" + "z" * 12)
    unseen = ErrorCode.NOT_FOUND
    for caller, code in ((READER, ErrorCode.ROLE_INSUFFICIENT), (STRANGER, unseen), (outsider, unseen)):
        refused(code, partial(links.create, caller, project, "contosofiles", "archive"))
        refused(code, partial(links.revoke, caller, project, link.link_id))
        refused(code, partial(links.show_address, caller, project, link.link_id))
    refused(ErrorCode.NOT_FOUND, lambda: links.of_project(STRANGER, project))
    refused(ErrorCode.NOT_FOUND, lambda: links.revoke(OPERATOR, project, "x" * 12))
    refused(ErrorCode.NOT_FOUND, lambda: links.revoke(OPERATOR, project, "../other"))


def test_a_link_of_a_project_that_was_never_connected_says_the_account_and_the_container(
    world: World, project: str
) -> None:
    links = world.services.customer_links
    refused(ErrorCode.AZURE_ACCOUNT_INVALID, lambda: links.create(OPERATOR, project))
    refused(ErrorCode.AZURE_CONTAINER_INVALID, lambda: links.create(OPERATOR, project, "contosofiles", "A"))
    link = links.create(OPERATOR, project, " https://contosofiles.blob.core.windows.net/ ", "archive")
    visit = links.open(token_of(world, project, link.link_id))
    assert (visit.account, visit.container) == ("contosofiles.blob.core.windows.net", "archive")
