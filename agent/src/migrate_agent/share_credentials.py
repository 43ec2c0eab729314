r"""User names and passwords of shares, kept on this machine alone: for sources that the service's account cannot read.

One private file in the state folder, as the agent's key has. A share is named `\\server\share`, in any case of letters.
Nothing of it goes to the control plane.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from migrate_agent.private_file import private_folder, read_private, write_private
from migrate_contract.errors import ErrorCode, Fatal

SHARES_FILE = "shares.json"


class ShareCredential(BaseModel):
    """Who signs in at one share."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    share: str = Field(min_length=5, max_length=1024)
    user: str = Field(min_length=1, max_length=256)
    password: str = Field(repr=False, max_length=512)


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    shares: list[ShareCredential] = Field(default_factory=list, repr=False)


def known_shares(state_dir: Path) -> list[ShareCredential]:
    """Result: what is kept, by share. Raises Fatal(config-invalid) for a damaged file or one of another account."""
    path = state_dir / SHARES_FILE
    text = read_private(path)
    if text is None:
        return []
    try:
        return list(_Content.model_validate_json(text).shares)
    except ValidationError:
        # Not chained: the validator quotes what it has read.
        raise Fatal(ErrorCode.CONFIG_INVALID, f"{path} is damaged: remove it and add the shares again") from None


def credential_for(state_dir: Path, share: str) -> ShareCredential | None:
    """Result: who signs in at `share`, None for nobody in particular. Raises Fatal(config-invalid)."""
    return next((kept for kept in known_shares(state_dir) if _same(kept.share, share)), None)


def keep_share(state_dir: Path, credential: ShareCredential) -> None:
    """Result: it is kept, instead of an older one of the same share. Raises Fatal(config-invalid)."""
    others = [kept for kept in known_shares(state_dir) if not _same(kept.share, credential.share)]
    _write(state_dir, [*others, credential])


def forget_share(state_dir: Path, share: str) -> bool:
    """Result: whether there was one, which is not kept any more. Raises Fatal(config-invalid)."""
    known = known_shares(state_dir)
    others = [kept for kept in known if not _same(kept.share, share)]
    if len(others) == len(known):
        return False
    _write(state_dir, others)
    return True


def _write(state_dir: Path, shares: list[ShareCredential]) -> None:
    content = _Content(shares=sorted(shares, key=lambda kept: kept.share.casefold()))
    write_private(private_folder(state_dir) / SHARES_FILE, content.model_dump_json(indent=2) + "\n")


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()
