"""A generated RockRMS church for tests and the local stack: its database, and what Mission must hold after an import.

Nouns: a *church* is a seed, a size and a *shape* (which release of RockRMS made its tables); its *model* is the set of
objects it is made of. The database is one rendering of the model, the *expected mission* another: neither is derived
from the other, and nothing here knows how the agent reads or maps. A *trap* is a peculiarity of real databases.
"""

from local.church.church import Church, generate
from local.church.expected import ENTITIES, Difference, ExpectedMission, ExpectedTotals, Skip, Wishes, compare
from local.church.shapes import Shape

__all__ = [
    "ENTITIES",
    "Church",
    "Difference",
    "ExpectedMission",
    "ExpectedTotals",
    "Shape",
    "Skip",
    "Wishes",
    "compare",
    "generate",
]
