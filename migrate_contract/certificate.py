"""The certificate of an import as one printable page, the same from the agent and from the job page. Pure.

Self-contained HTML with its print style: a treasurer can read it, print it on one sheet and sign it.
"""

from __future__ import annotations

from migrate_contract.rockrms import ImportReport


def certificate_html(report: ImportReport, *, project: str, client: str, signed_for: str | None) -> str:
    """Result: the whole HTML document; `signed_for` is printed below the first signature line, blank if None."""
    raise NotImplementedError
