"""A blob's content type by its file's name. The same on every machine: the system's own tables are not read."""

from __future__ import annotations

import mimetypes

_TYPES = mimetypes.MimeTypes()
for _type, _extension in (
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", ".pptx"),
    ("image/webp", ".webp"),
    ("image/heic", ".heic"),
    ("text/markdown", ".md"),
    ("application/x-7z-compressed", ".7z"),
    ("application/yaml", ".yaml"),
    ("application/yaml", ".yml"),
):
    _TYPES.add_type(_type, _extension)
_COMPRESSED = {
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
    "compress": "application/x-compress",
    "br": "application/octet-stream",
}
UNKNOWN = "application/octet-stream"


def content_type(path: str) -> str:
    """Result: the media type; what is compressed is named by its compression, since the bytes are those."""
    found, encoding = _TYPES.guess_type("/" + path.rsplit("/", 1)[-1], strict=True)
    if encoding:
        return _COMPRESSED.get(encoding, UNKNOWN)
    return found or UNKNOWN
