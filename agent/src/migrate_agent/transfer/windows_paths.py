r"""Windows' paths and names, as rules on text. Pure, and the same on every system.

Nouns: an *extended path* begins with `\\?\`: the system then takes it as it is, without the limit of 260 characters and
without its own reading of names like `NUL` or `draft.`, so that every file of a share can be opened by its true name.
Source: Naming Files, Paths, and Namespaces; Maximum Path Length Limitation.
"""

from __future__ import annotations

import ntpath
import re

_EXTENDED = "\\\\?\\"
_EXTENDED_UNC = "\\\\?\\UNC\\"
_DEVICE = "\\\\.\\"
_DEVICE_NAMES = re.compile(
    r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³]) *(?:[.:].*)?", re.IGNORECASE | re.DOTALL
)
"""Old programs' names of devices: also with an extension, and with spaces before it."""


def extended_path(root: str, path: str = "") -> str:
    r"""Result: the extended path of `path` ('/' as separator) below `root`.

    A root that is extended already, or names a device, keeps its beginning.
    """
    base = root.replace("/", "\\")
    if not base.startswith((_EXTENDED, _DEVICE)):
        # What `\\?\` switches off is done here once: '.', '..' and doubled separators of what a person wrote.
        base = ntpath.normpath(base)
        base = _EXTENDED_UNC + base[2:] if base.startswith("\\\\") else _EXTENDED + base
    return base.rstrip("\\") + "\\" + path.replace("/", "\\") if path else base


def drive_letter(root: str) -> str | None:
    r"""Result: the upper-case letter of `Z:\...` (also extended), None for any other path."""
    plain = root.replace("/", "\\").removeprefix(_EXTENDED)
    return plain[0].upper() if re.match(r"[A-Za-z]:", plain) else None


def share_of(path: str) -> str | None:
    r"""Result: the `\\server\share` that `path` (also extended) lies on, None for any other path."""
    plain = path.replace("/", "\\")
    if plain[: len(_EXTENDED_UNC)].upper() == _EXTENDED_UNC:
        plain = "\\\\" + plain[len(_EXTENDED_UNC) :]
    if not plain.startswith("\\\\") or plain.startswith((_EXTENDED, _DEVICE)):
        return None
    server, _, rest = plain[2:].partition("\\")
    share = rest.partition("\\")[0]
    return f"\\\\{server}\\{share}" if server and share else None


def behind_drive(root: str, remote: str) -> str:
    r"""Result: the UNC path of `root`, whose drive letter stands for `remote` (`\\server\share`)."""
    plain = root.replace("/", "\\").removeprefix(_EXTENDED)
    rest = plain[2:].strip("\\")
    share = remote.rstrip("\\")
    return f"{share}\\{rest}" if rest else share


def reserved_name(name: str) -> str | None:
    """Result: why Windows' programs cannot open or restore a file or folder of this name, None if they can.

    The copy itself is right: on Windows the agent reads by extended paths, and Blob Storage has no such rule.
    """
    if _DEVICE_NAMES.fullmatch(name):
        return f"'{_shown(name)}' is the name of a device on Windows"
    if name.endswith(" "):
        return f"'{_shown(name)}' ends with a space, which Windows drops"
    return None


def _shown(name: str) -> str:
    return name if len(name) <= 80 else name[:79] + "…"
