"""What the agent says of its machine.

The *machine id* tells two machines that use one key apart (a cloned virtual machine keeps its disk's ids but gets
network cards of its own), and stays the same over restarts. It is a hash: no serial leaves the machine.
"""

from __future__ import annotations

import getpass
import hashlib
import platform
import shutil
import socket
import subprocess
import uuid
from pathlib import Path

from migrate_agent import __version__
from migrate_contract.agents import MachineFacts

_LABEL_LENGTH = 256
_LINUX = platform.system() == "Linux"
_WINDOWS = platform.system() == "Windows"


def machine_facts(service_name: str = "") -> MachineFacts:
    """Result: the facts for registration and heartbeats; `service_name` is the one to look for."""
    return MachineFacts(
        machine_id=machine_id(),
        hostname=_label(socket.gethostname()),
        os=_label(_system_name()),
        agent_version=__version__,
        python_version=platform.python_version(),
        account=_label(_account()),
        service_name=_label(service_name),
    )


def machine_id() -> str:
    """Result: 32 hexadecimal digits from the system's own id and its first real network card."""
    return hashlib.sha256(f"{_system_id()}|{_network_card()}".encode()).hexdigest()[:32]


def disk_free_bytes(folder: Path) -> int | None:
    """Result: free bytes where the agent's state lives; None where the system does not say."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _label(text: str) -> str:
    return "".join(character for character in text if character.isprintable())[:_LABEL_LENGTH]


def _system_name() -> str:
    if _LINUX:
        try:
            return f"{platform.freedesktop_os_release().get('PRETTY_NAME', 'Linux')} ({platform.machine()})"
        except OSError:
            return f"Linux {platform.release()} ({platform.machine()})"
    return f"{platform.system()} {platform.release()} ({platform.machine()})"


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def _system_id() -> str:
    if _LINUX:
        for path in (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id")):
            try:
                if found := path.read_text(encoding="ascii").strip():
                    return found
            except (OSError, UnicodeDecodeError):
                continue
        return socket.gethostname()
    if _WINDOWS:
        return _answer_of("reg", "query", r"HKLM\SOFTWARE\Microsoft\Cryptography", "/v", "MachineGuid")
    return _answer_of("ioreg", "-rd1", "-c", "IOPlatformExpertDevice").partition("IOPlatformUUID")[2][:48]


def _answer_of(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return socket.gethostname()
    return done.stdout.strip() or socket.gethostname()


def _network_card() -> str:
    """The hardware address of the first physical card; virtual ones come and go."""
    if _LINUX:
        cards = []
        for device in Path("/sys/class/net").glob("*/device"):
            try:
                index = int((device.parent / "ifindex").read_text(encoding="ascii"))
                cards.append((index, (device.parent / "address").read_text(encoding="ascii").strip()))
            except (OSError, ValueError):
                continue
        return min(cards)[1] if cards else ""
    node = uuid.getnode()
    made_up = (node >> 40) & 1
    return "" if made_up else f"{node:012x}"
