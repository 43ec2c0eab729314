"""Names, texts and addresses to draw from: plain ones, and those that break careless programs."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = _words(
    "James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard Susan Joseph "
    "Jessica Thomas Karen Daniel Sarah Matthew Nancy Anthony Betty Mark Sandra Paul Ashley Steven Emily Andrew "
    "Kimberly Joshua Margaret Kenneth Donna Kevin Michelle Brian Carol George Amanda Timothy Melissa Ronald Deborah "
    "Jason Stephanie Edward Rebecca Jeffrey Sharon Ryan Laura Jacob Cynthia Nicholas Dorothy Noah Olivia Liam Emma "
    "Ted Cindy"
)
LAST_NAMES = _words(
    "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson "
    "Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis "
    "Robinson Walker Young Allen King Wright Scott Torres Nguyen Hill Flores Green Adams Nelson Baker Hall Rivera "
    "Campbell Mitchell Carter Roberts Decker Marble Webb Jenkins Foster Simmons Powell Long Patterson Hughes"
)
NICK_NAMES = {
    "James": "Jim",
    "Robert": "Bob",
    "William": "Bill",
    "Elizabeth": "Liz",
    "Theodore": "Ted",
    "Daniel": "Dan",
}

UNUSUAL_NAMES = (
    ("José", "Núñez"),
    ("Siobhán", "O'Brien"),
    ("Łukasz", "Żółć"),
    ("Анна", "Иванова"),
    ("李", "小龍"),
    ("محمد", "الأحمد"),
    ("דוד", "לוי"),
    ("🙏 Grace", "Kim ✝"),
    ("Zoë", "D’Angelo-Smythe"),
    ("e\u0301lodie", "Conde\u0301"),
    ("Mary Ann", "van der Berg, Jr."),
    ('Robert"); DROP TABLE Person;--', "Tables"),
    ("Ngọc", "Nguyễn"),
    ("𝒜lice", "𠮷野"),
    ("A" * 50, "B" * 50),
    ("<b>Tim</b>", "Smith & Sons"),
    ("Tab\tbed", "Bell\x07 \\ / \u2028 end"),
    ("\u200bzero", "null"),
)
"""Apostrophes, other scripts, emoji outside the first plane, combining marks, markup, names as long as the column."""

BAD_EMAILS = (
    "not-an-email",
    "two@@example.org",
    "no-domain@",
    "@no-local.example.org",
    "spaces in@example.org",
    "no-dot@localhost",
    "none",
    "N/A",
    "a@b@c.example.org",
)

ODD_EMAILS = (
    "o'brien@example.org",
    '"quoted"@example.org',
    "ü@exämple.de",
    "a@b.c",
    "a@b.co.",
    "a@b..org",
    "a@.example.org",
    "tab\there@example.org",
    "bell\x07@example.org",
    "\u00a0nbsp@example.org\u2003",
    "inner\u00a0nbsp@example.org",
    "UPPER@EXAMPLE.ORG",
    "plus+tag@sub.sub.example.org",
)
"""Addresses at the edges of the rule: some are valid."""

BAD_PHONES = ("555", "(602) 555-1212", "000", "12345678901234567890", "unknown", "", "  ", "６０２５５５１２１２")

STREETS = _words("Oak Maple Cedar Elm Main Church Lake Hill Walnut Spring Ridge Park Sunset Railroad Washington")
STREET_KINDS = ("St", "Ave", "Rd", "Ln", "Dr", "Blvd")
CITIES = (("Phoenix", "AZ", "85001"), ("Peoria", "AZ", "85345"), ("Glendale", "AZ", "85301"), ("Mesa", "AZ", "85201"))

BUSINESSES = ("Plumbing", "Hardware", "Catering", "Auto Body", "Dental", "Law Offices", "Realty", "Farms", "Coffee Co.")

PRAYERS = (
    "Please pray for my mother's surgery on Tuesday.",
    "Praise! The scan was clear.",
    "<p>For our <b>family</b> &amp; our children.</p><script>alert('x')</script>",
    "🙏🙏 für meinen Vater — он болен — 请为他祷告",
    "Line one\r\nLine two\n\tindented; \"quoted\" and 'single', back\\slash",
    "Wisdom about a job in another state",
    "  blanks before and after  ",
    "%s {0} {{ Person.NickName }} ${HOME}",
)
ANSWERS = (None, None, None, "Thank you, he is home again.", "God is good! 🎉")
