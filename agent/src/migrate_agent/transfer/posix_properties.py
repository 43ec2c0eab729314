"""What of a file's POSIX properties goes into a blob's metadata, and what marks a folder: AzCopy's keys. Pure.

Source: AzCopy's `--preserve-posix-properties` in its standard style (numbers in decimal, times in nanoseconds since
1970), which AzCopy can put back at a download; `hdi_isfolder` is its and Hadoop's mark of a blob that is a folder.
"""

from __future__ import annotations

import os
import stat

FOLDER_KEY = "hdi_isfolder"


def carried_metadata(found: os.stat_result, *, posix_properties: bool) -> dict[str, str]:
    """Result: metadata for the blob of this file or folder, beside its time and our mark."""
    carried = {FOLDER_KEY: "true"} if stat.S_ISDIR(found.st_mode) else {}
    if posix_properties:
        carried |= {
            "posix_owner": str(found.st_uid),
            "posix_group": str(found.st_gid),
            "permissions": str(found.st_mode),
            "posix_nlink": str(found.st_nlink),
            "posix_ino": str(found.st_ino),
            "posix_dev": str(found.st_dev),
            "posix_atime": str(found.st_atime_ns),
            "posix_ctime": str(found.st_ctime_ns),
            "modtime": str(found.st_mtime_ns),
        }
    return carried


def is_folder_mark(value: str | None) -> bool:
    """Result: whether a blob's value under `FOLDER_KEY` says that it is a folder."""
    return value is not None and value.strip().lower() == "true"
