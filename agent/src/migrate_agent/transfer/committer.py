"""Commits a blob: the one request that makes a copy visible, and what to think of its answers.

An answer can be lost after the service has acted. So where a commit's condition does not hold, the blob is looked at:
carrying our mark, hash, size and time, it is this very commit, which has succeeded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from migrate_agent.transfer.blob_answers import BlocksLost, ConditionFailed
from migrate_agent.transfer.blob_http import BlobProperties, Condition
from migrate_agent.transfer.connection import Pace
from migrate_agent.transfer.courier import Courier, Tries
from migrate_agent.transfer.target_blob import MARKER_KEY, MTIME_KEY, TargetBlob, parse_mtime
from migrate_contract.errors import ErrorCode, MigrateError, Retryable
from migrate_contract.jobs import Grant, WaitReason


class Committer:
    """Shared by all workers of a job. Results are ETags.

    Raises StopRequested, BlocksLost where the staged blocks have to be sent again, Retryable(target-changed) where
    somebody else wrote the blob, and what the courier raises.
    """

    def __init__(self, courier: Courier) -> None:
        self._courier = courier

    def put_blob(
        self,
        name: str,
        body: bytes,
        properties: BlobProperties,
        condition: Condition,
        tries: Tries,
        *,
        pace: Pace,
        first: MigrateError | None = None,
    ) -> str:
        """Result: the blob's ETag, its bytes sent and committed in one request.

        `first`: what came of the same request a moment ago (transfer/quick_put.py); it counts as the first try.
        """
        before = [first] if first is not None else []

        def call(grant: Grant) -> str:
            if before:
                raise before.pop()
            return self._courier.client.put_blob(grant, name, body, properties, condition, pace=pace)

        return self._commit(
            call,
            name,
            len(body),
            properties,
            tries,
            waiting=WaitReason.NETWORK,
        )

    def put_block_list(
        self,
        name: str,
        block_ids: Sequence[str],
        properties: BlobProperties,
        condition: Condition,
        tries: Tries,
    ) -> str:
        """Result: the blob's ETag, made of blocks that were staged."""
        return self._commit(
            lambda grant: self._courier.client.put_block_list(grant, name, block_ids, properties, condition),
            name,
            None,
            properties,
            tries,
            waiting=WaitReason.COMMIT,
        )

    def _commit(
        self,
        call: Callable[[Grant], str],
        name: str,
        size_bytes: int | None,
        properties: BlobProperties,
        tries: Tries,
        *,
        waiting: WaitReason,
    ) -> str:
        try:
            return self._courier.send(call, tries, waiting=waiting)
        except (ConditionFailed, BlocksLost) as refused:
            there = self._courier.send(
                lambda grant: self._courier.client.head(grant, name), tries, waiting=WaitReason.COMMIT
            )
            if there is not None and _is_this_commit(there, size_bytes, properties):
                return there.etag
            if isinstance(refused, BlocksLost):
                raise
            raise Retryable(ErrorCode.TARGET_CHANGED, refused.detail) from refused


def _is_this_commit(there: TargetBlob, size_bytes: int | None, properties: BlobProperties) -> bool:
    """Block lists carry no size; their blob's hash is our own label, and the marker is this attempt's."""
    return (
        there.marker == properties.metadata[MARKER_KEY]
        and there.md5 == properties.md5.hex()
        and there.mtime_ns == parse_mtime(properties.metadata.get(MTIME_KEY))
        and (size_bytes is None or there.size_bytes == size_bytes)
    )
