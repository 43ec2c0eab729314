"""What goes to a lane and comes back is what was said, whatever it is."""

from __future__ import annotations

import io
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from migrate_agent.store.entries import Entry, FileState, Stored, Verdict
from migrate_agent.transfer.blob_http import Condition
from migrate_agent.transfer.file_copy import FileTask
from migrate_agent.transfer.lane_wire import (
    FrameWriter,
    Say,
    pack_task,
    pack_verdict,
    read_frames,
    unpack_task,
    unpack_verdict,
)
from migrate_agent.transfer.planner import Compare, Recognised, Settled, Upload
from migrate_agent.transfer.target_blob import TargetBlob
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import Bucket, Verification

_sizes = st.integers(0, 2**60)
_times = st.none() | st.integers(-(2**62), 2**62)
_texts = st.text(max_size=30)
"""With surrogates: names need not be text."""
_names = _texts | st.text(alphabet="a/\udc80\udcff", max_size=12)
_codes = st.none() | st.sampled_from(ErrorCode)
_uploads = st.builds(Upload, st.builds(Condition, st.none() | _texts))
_settled = st.builds(Settled, st.sampled_from(Bucket), st.sampled_from(ErrorCode), _texts)
_blobs = st.builds(TargetBlob, _names, _sizes, _texts, st.none() | _texts, _times, _times, st.none() | _texts)
_decisions = (
    st.none() | _uploads | _settled | st.builds(Compare, _texts, _uploads | _settled) | st.builds(Recognised, _blobs)
)
_entries = st.builds(
    Entry,
    st.integers(1),
    _names,
    _sizes,
    _times,
    st.sampled_from(FileState),
    st.integers(0, 99),
    note=st.none(),
    stored=st.none(),
    code=_codes,
)
_verdicts = st.builds(
    Verdict,
    st.sampled_from(FileState),
    st.sampled_from(Bucket),
    _sizes,
    _times,
    _codes,
    st.none() | _texts,
    st.none() | st.sampled_from(Verification),
    st.none() | st.builds(Stored, _texts, _texts, _texts),
    st.none() | _texts,
    st.integers(0, 99),
)


def through_a_pipe(*frame: object) -> list[tuple[Any, ...]]:
    pipe = io.BytesIO()
    writer = FrameWriter(pipe)
    writer.send(*frame)
    writer.send(Say.END)
    pipe.seek(0)
    return list(read_frames(pipe))


@given(st.builds(FileTask, _entries, _decisions, st.booleans(), quick=st.none(), general=st.just(value=False)))
def test_a_task_arrives_as_it_was_given(task):
    frame, end = through_a_pipe(Say.FILES, [pack_task(task)])
    assert frame[0] == "files"
    arrived = unpack_task(frame[1][0])
    assert arrived == task
    assert type(arrived.decision) is type(task.decision)
    assert end == ("end",)


@given(st.integers(1), _verdicts)
def test_a_verdict_arrives_as_it_was_made(file_id, verdict):
    frame, _ = through_a_pipe(Say.DONE, [pack_verdict(file_id, verdict)], 0)
    arrived = unpack_verdict(frame[1][0])
    assert arrived == (file_id, verdict)
    assert [type(value) for value in arrived[1]] == [type(value) for value in verdict]


def test_a_frame_that_was_cut_off_is_no_frame():
    pipe = io.BytesIO()
    FrameWriter(pipe).send(Say.WORKERS, 4)
    for length in range(len(pipe.getvalue())):
        assert list(read_frames(io.BytesIO(pipe.getvalue()[:length]))) == []
