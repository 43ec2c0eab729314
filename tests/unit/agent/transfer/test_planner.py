"""The planner's rules, as examples and as properties."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from migrate_agent.transfer.blob_http import Condition
from migrate_agent.transfer.planner import Compare, Recognised, Settled, Unchanged, Upload, decide
from migrate_agent.transfer.target_blob import TargetBlob
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import Bucket, Overwrite

MARKER = "job_x.2"
SIZES = st.integers(0, 3)
TIMES = st.one_of(st.none(), st.integers(0, 3))
TARGETS = st.builds(
    TargetBlob,
    name=st.just("n"),
    size_bytes=SIZES,
    etag=st.just("e"),
    md5=st.one_of(st.none(), st.just("0" * 32)),
    mtime_ns=TIMES,
    modified_ns=TIMES,
    marker=st.sampled_from([None, "job_x.1", MARKER]),
    archived=st.booleans(),
)


OURS = TargetBlob("n", 5, "e", "0" * 32, mtime_ns=100, modified_ns=900, marker="job_x.1")


def target(**changes):
    return OURS._replace(**changes)


def plan(there, *, size=5, mtime=100, rule=Overwrite.IF_SOURCE_NEWER):
    return decide(size, mtime, there, rule=rule, marker=MARKER)


def test_nothing_there_is_a_new_blob():
    assert plan(None) == Upload(Condition(None))


def test_ours_with_equal_size_and_time_is_unchanged_without_reading_the_file():
    assert plan(target()) == Unchanged("0" * 32)


def test_this_attempts_own_commit_is_recognised():
    there = target(marker=MARKER)
    assert plan(there) == Recognised(there)


def test_equal_size_is_compared_by_hash_whoever_wrote_it():
    stranger = plan(target(marker=None))
    assert isinstance(stranger, Compare)
    assert isinstance(stranger.otherwise, Settled)
    assert stranger.otherwise.code is ErrorCode.TARGET_EXISTS
    touched = plan(target(), mtime=200)
    assert touched == Compare("0" * 32, Upload(Condition("e")))


def test_a_newer_source_replaces_ours_and_an_older_does_not():
    assert plan(target(), size=6, mtime=101) == Upload(Condition("e"))
    kept = plan(target(), size=6, mtime=100)
    assert isinstance(kept, Settled)
    assert (kept.bucket, kept.code) == (Bucket.EXCLUDED, ErrorCode.TARGET_KEPT)


def test_without_a_time_of_ours_the_services_time_counts():
    assert plan(target(mtime_ns=None), size=6, mtime=901) == Upload(Condition("e"))
    assert isinstance(plan(target(mtime_ns=None), size=6, mtime=900), Settled)


def test_a_changed_file_over_an_archived_blob_has_its_own_code():
    for rule in (Overwrite.IF_SOURCE_NEWER, Overwrite.ALWAYS):
        found = plan(target(archived=True), size=6, mtime=101, rule=rule)
        assert isinstance(found, Settled)
        assert found.code is ErrorCode.TARGET_ARCHIVED
    assert plan(target(archived=True)) == Unchanged("0" * 32)


def parts_of(decision):
    """A comparison ends in one of two ways: both have to be right."""
    return [Unchanged(decision.md5), decision.otherwise] if isinstance(decision, Compare) else [decision]


@given(SIZES, TIMES, st.one_of(st.none(), TARGETS), st.sampled_from(Overwrite))
def test_properties(size, mtime, there, rule):
    for decision in parts_of(decide(size, mtime, there, rule=rule, marker=MARKER)):
        if isinstance(decision, Upload):
            # A commit always has a condition, and it names exactly what was seen.
            assert decision.condition.etag == (there.etag if there else None)
        if there is None:
            assert isinstance(decision, Upload)
            continue
        if isinstance(decision, Upload):
            assert rule is not Overwrite.NEVER, "never overwrites"
            assert rule is Overwrite.ALWAYS or there.marker is not None, "a stranger's blob is left alone"
            assert not there.archived
        if isinstance(decision, Unchanged | Recognised):
            assert there.size_bytes == size
            assert there.md5 is not None
        if isinstance(decision, Settled):
            assert decision.bucket in (Bucket.EXCLUDED, Bucket.FAILED)
            assert (decision.bucket is Bucket.EXCLUDED) == (decision.code is ErrorCode.TARGET_KEPT)


def test_a_marker_and_an_empty_file_of_one_name_are_different():
    empty = target(size_bytes=0)
    assert decide(0, 100, empty, rule=Overwrite.IF_SOURCE_NEWER, marker=MARKER, folder=False) == Unchanged("0" * 32)
    assert decide(0, 200, empty, rule=Overwrite.IF_SOURCE_NEWER, marker=MARKER, folder=True) == Upload(Condition("e"))
    marker = target(size_bytes=0, folder=True)
    assert decide(0, 100, marker, rule=Overwrite.IF_SOURCE_NEWER, marker=MARKER, folder=True) == Unchanged("0" * 32)
    assert decide(0, 200, marker, rule=Overwrite.IF_SOURCE_NEWER, marker=MARKER) == Upload(Condition("e"))
