"""What is said beside a file that is copied all the same, and the rows of its alternate data streams. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate_agent.store.entries import FileState, Found, Verdict
from migrate_agent.store.notes import Note
from migrate_agent.transfer.windows_paths import reserved_name
from migrate_agent.transfer.windows_records import Stream
from migrate_contract.errors import ErrorCode
from migrate_contract.jobs import Bucket


def name_note(look_alike: str | None, name: str) -> Note | None:
    """Result: the note of a file's or folder's name, of which a look-alike beside it comes first."""
    if look_alike is not None:
        return Note(ErrorCode.NAME_COLLISION, look_alike)
    reserved = reserved_name(name)
    return Note(ErrorCode.NAME_RESERVED, reserved) if reserved is not None else None


def link_note(links: int) -> Note:
    """Result: the note of a file with several names."""
    return Note(
        ErrorCode.HARD_LINK, f"the file has {links} names (hard links), and each is copied as a file of its own"
    )


def permissions_note() -> Note:
    """Result: the note of a file or folder with access entries of its own."""
    return Note(
        ErrorCode.PERMISSIONS_NOT_CARRIED, "it has access entries of its own, which Blob Storage has no place for"
    )


def unseen_note(error: OSError) -> Note:
    """Result: the note of a file or folder whose permissions and streams the system did not tell."""
    words = error.strerror or type(error).__name__
    return Note(
        ErrorCode.PERMISSIONS_NOT_CARRIED, f"whether it has permissions or streams of its own is unknown: {words}"
    )


def stream_rows(path: str, streams: Iterable[Stream]) -> Iterator[Found]:
    """Yields a row for each alternate data stream: its bytes are not copied, so it is no part of the file's row.

    A colon is in no name of Windows' files, so the row's path is its own. The mark that the system puts on downloaded
    files holds nothing of a person's, and counts as left out.
    """
    for stream in streams:
        bucket = Bucket.EXCLUDED if stream.is_mark_of_the_web else Bucket.UNSUPPORTED
        detail = f"the stream '{stream.name}' beside '{path.rsplit('/', 1)[-1]}' is content of its own"
        verdict = Verdict(FileState.FINAL, bucket, stream.size_bytes, code=ErrorCode.STREAM_NOT_CARRIED, detail=detail)
        yield Found(f"{path}:{stream.name}", stream.size_bytes, verdict=verdict)
