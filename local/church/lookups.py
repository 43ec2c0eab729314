"""The part of a church that is set up once: lookups, group types, campuses, schedules, categories, rooms."""

from __future__ import annotations

from local.church import guids
from local.church.model import Campus, Category, GroupType, Location, Model, Role, Schedule, Value

RENAMED = {"card": "Card (Visa/MC)", "attendee": " Regular ", "contribution": "Tithes & Offerings", "mobile": "Cell"}
"""Labels that this church has renamed: only their Guids tell what they are."""
RENAMED_TYPES = {"small": "Life Group ", "family": "Household"}
OWN_VALUES = {
    "online-attendee": (guids.CONNECTION, "Online Attendee"),
    "dormant": (guids.INACTIVE_REASON, "Dormant"),
    "widowed": (guids.MARITAL, "Widowed"),
    "mr": (guids.TITLE, "Mr."),
    "mrs": (guids.TITLE, "Mrs."),
    "rev": (guids.TITLE, "Rev."),
    "jr": (guids.SUFFIX, "Jr."),
    "iii": (guids.SUFFIX, "III"),
    "fax": (guids.PHONE, "Fax"),
    "pledge-gift": (guids.TRANSACTION_TYPE, "Capital Campaign"),
    "bookstore": (guids.TRANSACTION_TYPE, "Bookstore"),
    "paypal": (guids.PAYMENT_METHOD, "PayPal"),
    "eur": (guids.CURRENCY_CODE, "EUR"),
    "cad": (guids.CURRENCY_CODE, "CAD"),
}
"""Values that the church made itself: their Guids are its own."""
CAMPUSES = (("Main Campus", True), ("North  ", True), ("Westside", None), ("Old Downtown", False))
SERVICES = (("Sunday 9:00", 0, 9), ("Sunday 11:00", 0, 11), ("Saturday 18:00", 6, 18), (None, 3, 19))
ROOMS = ("Bunnies Room", "Kittens Room", "Auditorium", "Youth Hall")


def furnish(model: Model) -> None:
    """Add all of it to an empty model."""
    rng = model.random("lookups")
    model.install = _install(model)
    _values(model)
    model.skip_ids("GroupType", 9)
    release = model.shape.release
    for key, (label, guid) in guids.GROUP_TYPES.items():
        if guids.ARRIVED_WITH.get(key, 0) <= release:
            _group_type(model, key, label, guid)
            model.skip_ids("GroupType", rng.randrange(3))
    _group_type(model, "bible", "Bible Study", None)
    model.skip_ids("Campus", 1)
    for name, is_active in CAMPUSES:
        row = model.next_id("Campus")
        model.campuses.append(Campus(row, model.guid("Campus", row), name, is_active))
    model.trap("campus-is-active-null")
    for schedule, day, hour in SERVICES:
        model.schedules.append(Schedule(model.next_id("Schedule"), schedule, day, hour))
    for room in ROOMS:
        model.locations.append(Location(model.next_id("Location"), name=room))
    _categories(model)


def _install(model: Model) -> str:
    return model.guid("RockInstanceId", model.size).lower()


def _values(model: Model) -> None:
    rng = model.random("values")
    model.skip_ids("DefinedValue", rng.randrange(5, 400))
    for key, (type_guid, label, guid) in guids.VALUES.items():
        row = model.next_id("DefinedValue")
        model.skip_ids("DefinedValue", rng.randrange(4))
        model.values[key] = Value(row, guid, type_guid, RENAMED.get(key, label))
        if key in RENAMED:
            model.trap("renamed-label")
    for key, (type_guid, label) in OWN_VALUES.items():
        row = model.next_id("DefinedValue")
        model.values[key] = Value(row, model.guid("DefinedValue", row), type_guid, label)
    for type_guid in sorted({value.type_guid for value in model.values.values()}):
        model.defined_types[type_guid] = model.next_id("DefinedType") + 10


def _group_type(model: Model, key: str, label: str, guid: str | None) -> None:
    row = model.next_id("GroupType")
    kind = GroupType(
        row,
        guid or model.guid("GroupType", row),
        RENAMED_TYPES.get(key, label),
        key,
        takes_attendance=key in ("service", "small", "check-in", "bible"),
        in_list=key in ("small", "section", "serving", "general", "bible", "check-in"),
    )
    fixed = {role: (name, role_guid) for role, (of, name, role_guid) in guids.ROLES.items() if of == key}
    for role in fixed or ("leader", "member"):
        role_id = model.next_id("GroupTypeRole")
        name, role_guid = fixed.get(role, (role.title(), model.guid("GroupTypeRole", role_id)))
        kind.roles[role] = Role(role_id, role_guid, name, role == "leader")
    if key == "family":
        role_id = model.next_id("GroupTypeRole")
        kind.roles["grandparent"] = Role(role_id, model.guid("GroupTypeRole", role_id), "Grandparent")
    elif key == "known":
        role_id = model.next_id("GroupTypeRole")
        kind.roles["neighbor"] = Role(role_id, model.guid("GroupTypeRole", role_id), "Neighbor")
    model.group_types[key] = kind


def _categories(model: Model) -> None:
    model.skip_ids("Category", 20)
    row = model.next_id("Category")
    general = Category(row, guids.PRAYER_CATEGORY, "General", True)
    model.categories.append(general)
    for name, is_prayer in (("Health", True), ("Health", False), ("Family & Relationships", True), ("Reports", False)):
        row = model.next_id("Category")
        parent = general if is_prayer else None
        model.categories.append(Category(row, model.guid("Category", row), name, is_prayer, parent))
