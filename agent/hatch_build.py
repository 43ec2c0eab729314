"""Build hook: embeds the wire's package (`migrate_contract`) in the wheel and in the sdist.

The contract lives beside the agent's folder because the control plane uses the same files. In a checkout it is
`../migrate_contract`; in an unpacked sdist it is `./migrate_contract`. An editable install embeds nothing: its
`dev-mode-dirs` show the live source.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CONTRACT = "migrate_contract"


class EmbedContract(BuildHookInterface[Any]):
    """Adds the contract's files to `force_include` of every build that is not editable."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Result: `build_data` names each of the contract's modules; a missing contract stops the build."""
        if version == "editable":
            return
        root = Path(self.root)
        folder = next((found for found in (root / CONTRACT, root.parent / CONTRACT) if found.is_dir()), None)
        if folder is None:
            raise FileNotFoundError(f"{CONTRACT} is neither in {root} nor beside it: build from a checkout or an sdist")
        for module in sorted(folder.glob("*.py")):
            build_data["force_include"][str(module)] = f"{CONTRACT}/{module.name}"
