"""Prayer requests: typed by anybody, every flag nullable."""

from __future__ import annotations

import random
from datetime import timedelta

from local.church import words
from local.church.making import campus_of, moment
from local.church.model import Alias, Model, Prayer


def pray(model: Model) -> None:
    """Add all requests; people and groups exist already."""
    rng = model.random("prayers")
    aliases: list[Alias | None] = [
        person.aliases[0] for person in model.people if person.aliases and not person.is_system
    ]
    aliases += [alias for alias in model.aliases if alias.person is None or alias.former_id != alias.person.id]
    groups = [group for group in model.groups if group.type.key in ("small", "application", "bible")]
    for number in range(max(40, model.size // 8)):
        prayer = _prayer(model, rng, rng.choice(aliases) if rng.random() < 0.5 else None)
        prayer.group = rng.choice(groups) if rng.random() < 0.05 else None
        _traps(model, rng, prayer, number)
        model.prayers.append(prayer)


def _flag(rng: random.Random, yes: float) -> bool | None:
    roll = rng.random()
    return None if roll < 0.1 else roll < 0.1 + 0.9 * yes


def _prayer(model: Model, rng: random.Random, alias: Alias | None) -> Prayer:
    entered = moment(rng)
    first, last = rng.choice(words.FIRST_NAMES), rng.choice(words.LAST_NAMES)
    if model.next_id("gap") % 29 == 0:
        model.skip_ids("PrayerRequest", 2)
    prayer = Prayer(
        id=model.next_id("PrayerRequest"),
        first=first,
        last=last,
        email=f"{first}.{last}@example.org".lower(),
        text=rng.choice(words.PRAYERS),
        answer=rng.choice(words.ANSWERS),
        entered=entered,
        expires=(entered + timedelta(days=14)).date() if rng.random() < 0.8 else None,
        alias=alias,
        category=rng.choice((None, *model.categories)),
        campus=campus_of(model, rng) if model.shape.has_archive else None,
        group=None,
        is_public=_flag(rng, 0.5),
        is_approved=_flag(rng, 0.7),
        is_active=_flag(rng, 0.8),
        is_urgent=_flag(rng, 0.1),
        allow_comments=_flag(rng, 0.5),
        prayer_count=rng.choice((None, 0, 1, 12, 345)),
        created=entered,
        modified=entered,
    )
    for name in ("is_public", "is_approved"):
        if getattr(prayer, name) is None:
            model.trap(f"prayer-{name.replace('_', '-')}-null")
    if prayer.category is not None and not prayer.category.is_prayer:
        model.trap("category-of-another-entity-type")
    if alias is None:
        model.trap("prayer-without-alias")
    return prayer


def _traps(model: Model, rng: random.Random, prayer: Prayer, number: int) -> None:
    kind = number % 40
    if kind == 1:
        prayer.first, prayer.last = rng.choice(words.UNUSUAL_NAMES)
    elif kind == 2:
        prayer.first, prayer.last = "  ", None
        model.trap("prayer-nameless")
    elif kind == 3:
        prayer.email = rng.choice((*words.BAD_EMAILS, "", None))
    elif kind == 4:
        prayer.email = f"{'e' * 200}@example.org"
        model.trap("prayer-email-long")
    elif kind == 5:
        prayer.text = "Lord, hear our prayer. 主よ、聞いてください。🙏 " * 400
        model.trap("prayer-long")
    elif kind == 6:
        prayer.text = "A bell \x07, a form feed \x0c and a vertical tab \x0b came in by copy and paste"
        model.trap("control-characters")
    elif kind == 7:
        prayer.answer = rng.choice(("", "   "))
    elif kind == 8:
        prayer.prayer_count = -3
        model.trap("prayer-count-negative")
    elif kind == 9:
        prayer.email = f"{'e' * 244}@{'x' * 5}.org"[:254]
