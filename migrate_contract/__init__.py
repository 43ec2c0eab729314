"""The wire between the control plane and the agent: models, commands and the error catalogue.

Imports pydantic and the standard library only. Both sides ship these same files, so a field or a code that is
not here does not exist on the wire. Unknown fields are ignored, so that either side may be the newer one.
"""

PROTOCOL_VERSION = 1
"""Sent in every heartbeat. Raised only for a change that an older peer cannot ignore."""
