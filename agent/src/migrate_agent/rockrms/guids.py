"""The Guids that every RockRMS install shares (Rock/SystemGuid), in lower case. Labels may be renamed, these do not."""

from __future__ import annotations

from typing import Final

# Group types
FAMILY: Final = "790e3215-3b10-442b-af69-616c0dcb998e"
NOT_GROUPS: Final = {
    FAMILY: "Family",
    "aece949f-704c-483e-a4fb-93d5e4720c4c": "Security Role",
    "e0c5a0e2-b7b3-4ef4-820d-bbf7f9a374ef": "Known Relationships",
    "8c0e5852-f08f-4327-9aa5-87800a6ab53e": "Peer Network",
    "3311132b-268d-44e9-811a-a56a0835e50a": "Event Attendees",
    "3981cf6d-7d15-4b57-aace-c0e25d28bd49": "Application Group",
    "d1d95777-ffa3-cbb3-4a6d-658706daed33": "Communication List",
    "dfdc14a3-d1dc-4342-a012-5ce9e8994b5e": "Chat Direct Message",
    "268d4802-24c7-4891-890e-71313bee17b1": "Chat Shared Channel",
    "4bbc41e2-0a37-4289-b7a7-756b9fe8f775": "LMS Class",
}
"""Group types that are no groups of people to us (families are moved as such), with their names."""

# Roles in a family
ADULT: Final = "2639f9a5-2aae-4e48-a8c3-4ffe86681e42"
CHILD: Final = "c8b1814f-6aa7-4055-b2d7-48fe20429cb9"

# People
GIVER_ANONYMOUS: Final = "802235dc-3ca5-94b0-4326-aace71180f48"
ANONYMOUS_VISITOR: Final = "7ebc167b-512d-4683-9d80-98b6bb02e1b9"
ANONYMOUS_FAMILY: Final = "e846f6ee-93e9-e287-428d-95d139d23b35"

# Record types
RECORD_TYPES: Final = "26be73a6-a9c5-4e94-ae00-3afdcf8c9275"
PERSON: Final = "36cf10d6-c695-413d-8e7c-4546efef385e"
BUSINESS: Final = "bf64add3-e70a-44ce-9c4b-e76bbed37550"

RECORD_STATUS: Final = {
    "618f906c-c33d-4fa3-8aef-e58cb7b63f1e": "active",
    "1dad99d5-41a9-4865-8366-f269902b80a4": "inactive",
    "283999ec-7346-42e3-b807-bce9b2babb49": "pending",
}
PHONE_TYPES: Final = {
    "407e7e45-7b2e-4fcd-9605-ecb1339f2453": "mobile",
    "aa8732fb-2cea-4c76-8d6d-6aaa2c6a4303": "home",
    "2cc66d5a-f61c-4b74-9af9-590a9847c13c": "work",
}
HOME_ADDRESS: Final = "8c52e53c-2a66-435a-ae6e-5ee307d9a0dc"

# Money
CONTRIBUTION: Final = "2d607262-52d6-4724-910d-5c6e8fb89acc"
TRANSACTION_TYPES: Final = "fff62a4b-5d88-4deb-af8f-8e6178e41fe5"

PRAYER_REQUEST: Final = "f13c8fd2-7702-4c79-a6a9-86440dd5de13"
"""The entity type of prayer requests."""
