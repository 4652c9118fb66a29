"""The people of the sample fund: the same ones every time, with a name in both scripts. None of them exists."""

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import msgspec

from teledeclaration.periods import Quarter

_LAST_NAMES = (
    ("BENALI", "بن علي"), ("KADDOUR", "قدور"), ("AIT AHMED", "آيت أحمد"), ("MEZIANE", "مزيان"), ("BOUDIAF", "بوضياف"),
    ("CHERIF", "شريف"), ("HADDAD", "حداد"), ("ZERROUKI", "زروقي"), ("SAIDI", "سعيدي"), ("TOUMI", "تومي"),
    ("BRAHIMI", "براهيمي"), ("HAMIDI", "حميدي"), ("BELKACEM", "بلقاسم"), ("MANSOURI", "منصوري"), ("KHELIFI", "خليفي"),
    ("BOUZID", "بوزيد"), ("LARBI", "لعربي"), ("RAHMANI", "رحماني"), ("DJEBBAR", "جبار"), ("FERHAT", "فرحات"),
    ("GUENDOUZ", "قندوز"), ("HAMDI", "حمدي"), ("KACI", "قاسي"), ("LOUNES", "لوناس"), ("MEBARKI", "مباركي"),
    ("NACERI", "ناصري"), ("OUALI", "والي"), ("RABHI", "رابحي"), ("SLIMANI", "سليماني"), ("TALEB", "طالب"),
    ("YAHIAOUI", "يحياوي"), ("ZIANE", "زيان"), ("AMRANI", "عمراني"), ("BOUKHALFA", "بوخالفة"), ("CHAOUCHE", "شاوش"),
    ("DERRADJI", "دراجي"), ("FODIL", "فضيل"), ("GHERBI", "غربي"), ("HOCINE", "حسين"), ("BENAISSA", "بن عيسى"),
    ("BOUALEM", "بوعلام"), ("MOKHTARI", "مختاري"), ("SAHRAOUI", "صحراوي"), ("TLEMCANI", "تلمساني"),
)  # fmt: skip
_FIRST_NAMES = (
    ("KARIM", "كريم"), ("MOHAMED AMINE", "محمد أمين"), ("YACINE", "ياسين"), ("OMAR", "عمر"), ("RACHID", "رشيد"),
    ("SAMIR", "سمير"), ("NABIL", "نبيل"), ("HICHAM", "هشام"), ("WALID", "وليد"), ("MOURAD", "مراد"),
    ("ABDELKADER", "عبد القادر"), ("SOFIANE", "سفيان"), ("FARID", "فريد"), ("TAREK", "طارق"), ("BILAL", "بلال"),
    ("REDA", "رضا"), ("ISLAM", "إسلام"), ("ANIS", "أنيس"), ("HAMZA", "حمزة"), ("IBRAHIM", "إبراهيم"),
    ("NADIA", "نادية"), ("LEILA", "ليلى"), ("AMEL", "آمال"), ("SAMIRA", "سميرة"), ("FATIMA ZOHRA", "فاطمة الزهراء"),
    ("KHADIDJA", "خديجة"), ("MERIEM", "مريم"), ("YASMINE", "ياسمين"), ("SOUAD", "سعاد"), ("HAYET", "حياة"),
    ("IMANE", "إيمان"), ("SARAH", "سارة"), ("LAMIA", "لمياء"), ("NAWAL", "نوال"), ("RYM", "ريم"),
    ("ASMA", "أسماء"), ("HOURIA", "حورية"), ("DALILA", "دليلة"), ("SELMA", "سلمى"), ("WAFA", "وفاء"),
)  # fmt: skip
_BIRTH_PLACES = (
    "Alger",
    "Oran",
    "Constantine",
    "Sétif",
    "Annaba",
    "Tizi Ouzou",
    "Batna",
    "Tlemcen",
    "Blida",
    "Ouargla",
)
_FIRST_SERIAL = 10_000_000


class SamplePerson(msgspec.Struct, frozen=True, kw_only=True):
    """One insured, and their spells at the employer they work for now: the days of entry and exit."""

    nss: str
    last_name: str
    first_name: str
    last_name_ar: str
    first_name_ar: str
    birth_date: date
    birth_place: str
    spells: tuple[tuple[date, date | None], ...]

    def days(self, quarter: Quarter) -> int:
        """The days declared for a quarter, as payrolls count them: 90 for a whole one."""
        return sum(_days_within(quarter, entry, exit_) for entry, exit_ in self.spells)

    def worked(self, year: int) -> bool:
        return any(self.days(Quarter(year, number)) for number in (1, 2, 3, 4))


def people_of(place: int, count: int, *, year: int) -> list[SamplePerson]:
    """The people of the employer at `place` in the list, hired before `year` or in it; some have left."""
    chance = random.Random(f"people of {place}")  # noqa: S311 — the same people every time is what is wanted
    numbers = _numbers(_FIRST_SERIAL + place * 20_000)
    return [_person(chance, numbers, year) for _ in range(count)]


def _person(chance: random.Random, numbers: "_Numbers", year: int) -> SamplePerson:
    last_name, last_name_ar = chance.choice(_LAST_NAMES)
    first_name, first_name_ar = chance.choice(_FIRST_NAMES)
    birth_date = date(year - 60, 1, 1) + timedelta(days=chance.randrange(38 * 365))
    return SamplePerson(
        nss=numbers.next_of(birth_date),
        last_name=last_name,
        first_name=first_name,
        last_name_ar=last_name_ar,
        first_name_ar=first_name_ar,
        birth_date=birth_date,
        birth_place=chance.choice(_BIRTH_PLACES),
        spells=_spells(chance, birth_date, year),
    )


def _spells(chance: random.Random, birth_date: date, year: int) -> tuple[tuple[date, date | None], ...]:
    """Most are there for years; some came or left within the year, a few had been there before."""
    grown = date(birth_date.year + 19, 1, 1)
    entry = max(grown, date(year - 1, 12, 1) - timedelta(days=chance.randrange(12 * 365)))
    match chance.random():
        case came if came < 0.10:
            return ((date(year, chance.randrange(1, 11), 1), None),)
        case left if left < 0.18:
            return ((entry, date(year, chance.randrange(2, 12), 28)),)
        case again if again < 0.22:
            first_exit = entry + timedelta(days=chance.randrange(30, 200))
            return ((entry, first_exit), (first_exit + timedelta(days=chance.randrange(20, 150)), None))
    return ((entry, None),)


def _days_within(quarter: Quarter, entry: date, exit_: date | None) -> int:
    first, last = max(quarter.first_day, entry), min(quarter.last_day, exit_ or quarter.last_day)
    if (first, last) == (quarter.first_day, quarter.last_day):
        return 90
    return max(0, min(90, (last - first).days + 1))


class _Numbers:
    """Numbers that are the year of birth, a serial nobody else has, and a right key."""

    def __init__(self, serials: Iterator[int]) -> None:
        self._serials = serials

    def next_of(self, birth_date: date) -> str:
        while True:
            ten = f"{birth_date.year % 100:02d}{next(self._serials):08d}"
            key = 99 - sum(int(digit) * weight for digit, weight in zip(ten, (2, 1) * 5, strict=True))
            if key >= 0:
                return f"{ten}{key:02d}"


def _numbers(first: int) -> _Numbers:
    return _Numbers(iter(range(first, first + 20_000, 7)))


def people_rows(people: Sequence[SamplePerson]) -> list[dict[str, str | int | bool | None]]:
    """Rows of the register of people."""
    return [
        {
            "nss": one.nss,
            "last_name": one.last_name,
            "first_name": one.first_name,
            "last_name_ar": one.last_name_ar,
            "first_name_ar": one.first_name_ar,
            "birth_date": one.birth_date.isoformat(),
            "birth_place": one.birth_place,
        }
        for one in people
    ]


def employment_rows(
    number: str, people: Sequence[SamplePerson], *, centre: str, rate_category: str
) -> list[dict[str, str | int | bool | None]]:
    """Rows of the register of employments: a row a spell."""
    return [
        {
            "number": number,
            "nss": one.nss,
            "entry_date": entry.isoformat(),
            "exit_date": exit_.isoformat() if exit_ else None,
            "centre": centre,
            "rate_category": rate_category,
        }
        for one in people
        for entry, exit_ in one.spells
    ]
