"""Access tiers: which are given with the commit, which after the verification, and which are left alone. Pure.

A blob in `archive` cannot be read before it is rehydrated, so a file goes there only when its copy is verified; the
other tiers go along with the commit. A blob that is archived already is never brought back: that costs its owner money
and hours.
"""

from __future__ import annotations

from migrate_contract.jobs import AccessTier

SERVICE_NAMES = {
    AccessTier.HOT: "Hot",
    AccessTier.COOL: "Cool",
    AccessTier.COLD: "Cold",
    AccessTier.ARCHIVE: "Archive",
}


def tier_at_commit(wanted: AccessTier | None) -> AccessTier | None:
    """Result: the tier that a commit carries; None: the account's default."""
    return None if wanted is AccessTier.ARCHIVE else wanted


def tier_after(wanted: AccessTier | None, current: AccessTier | None) -> AccessTier | None:
    """Result: the tier to set on a verified blob that is in `current` (None: not known); None: it stays as it is."""
    if wanted is None or current in (wanted, AccessTier.ARCHIVE):
        return None
    return wanted


def tier_named(text: str | None) -> AccessTier | None:
    """Result: the tier that the service calls so; None for one that we do not know (premium ones, say)."""
    try:
        return AccessTier((text or "").lower())
    except ValueError:
        return None
