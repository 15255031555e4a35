"""Good files with odd cells: numbers and days in all forms that a job can declare, odd keys, odd texts."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from odd_words import CONTROLS, FORMS, LOCALES, ODD_DATES, ODD_NUMBERS, ODD_TEXTS
from written_files import Draw, Row, Written, ascii_deals, good_table, kind


def _changed(row: Row, **cells: str) -> Row:
    assert row.cells is not None
    return replace(row, cells={**row.cells, **cells})


def _good(draw: Draw) -> list[Row]:
    """Rows of which every one is good."""
    return [
        replace(_changed(each, amount=f"{number}.25"), codes=frozenset(), values={})
        for number, each in enumerate(ascii_deals(draw))
    ]


def _free(draw: Draw, column: str, texts: tuple[str, ...]) -> list[Row]:
    """Rows with any of the texts in a column; they are mapped or a problem, that is all that is said."""
    return [
        replace(_changed(each, **{column: draw.word(*texts)}), codes=None, values={}) for each in _good(draw)
    ]


@kind
def numbers_of_a_locale(draw: Draw) -> Written:
    """Numbers as babel writes them in a locale are read exactly where it is declared."""
    from babel.numbers import format_decimal

    locale = draw.word(*LOCALES)
    rows = []
    for each in _good(draw):
        value = Decimal(draw.below(10**10) - 5 * 10**9).scaleb(-2)
        pattern = draw.word("", "0.00")
        text = format_decimal(
            value, pattern or None, locale=locale, numbering_system="latn", decimal_quantization=False
        )
        text = "".join(char for char in text if unicodedata.category(char) != "Cf")
        rows.append(replace(_changed(each, amount=text), values={"Amount": value}))
    return replace(good_table(draw, rows), section=f'numbers = "{locale}"')


@kind
def odd_numbers_of_a_locale(draw: Draw) -> Written:
    """Any text in the place of a number, under any declared locale: a problem, or a number of the same digits."""
    section = f'numbers = "{draw.word(*LOCALES, "plain")}"'
    return replace(good_table(draw, _free(draw, "amount", ODD_NUMBERS)), section=section, same_digits=True)


@kind
def odd_numbers_undeclared(draw: Draw) -> Written:
    """Any text in the place of a number where nothing is declared, in all types of number fields."""
    field = draw.word("Amount", "Weight__c", "Discount__c", "Probability", "TotalOpportunityQuantity")
    return replace(
        good_table(draw, _free(draw, "amount", ODD_NUMBERS)), rules={"Amount": "", field: '"amount"'}
    )


@kind
def odd_numbers_times_a_factor(draw: Draw) -> Written:
    """The same with a factor, in a percentage."""
    times = draw.word("100", "0.01", "1e3", "0.001")
    numbers = draw.word("plain", *LOCALES)
    rule = f'{{ column = "amount", times = "{times}", numbers = "{numbers}" }}'
    written = good_table(draw, _free(draw, "amount", ODD_NUMBERS))
    return replace(written, rules={"Amount": "", "Discount__c": rule}, refusals=frozenset({"*"}))


@kind
def days_of_a_form(draw: Draw) -> Written:
    """Days written in a declared form are read as that day."""
    form = draw.word(
        "D.M.Y",
        "D/M/Y",
        "M/D/Y",
        "D-M-Y",
        "Y/M/D",
        "%d.%m.%Y",
        "%Y%m%d",
        "excel-serial",
        "epoch-ms",
        "epoch-s",
    )
    rows = []
    for each in _good(draw):
        day = date(2000, 1, 1) + timedelta(days=draw.below(20_000))
        seconds = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        match form:
            case "excel-serial":
                text = str((day - date(1899, 12, 30)).days)
            case "epoch-ms" | "epoch-s":
                text = str(seconds * (1000 if form == "epoch-ms" else 1))
            case _ if form.startswith("%"):
                text = day.strftime(form)
            case _:
                parts = {"D": str(day.day), "M": f"{day.month:02}", "Y": str(day.year)}
                text = "".join(parts.get(char, char) for char in form)
        rows.append(replace(_changed(each, close=text), values={"CloseDate": day}))
    return replace(good_table(draw, rows), section=f'dates = "{form}"')


@kind
def odd_days_of_a_form(draw: Draw) -> Written:
    """Any text in the place of a day, under any declared form."""
    written = good_table(draw, _free(draw, "close", ODD_DATES))
    return replace(written, section=f'dates = "{draw.word(*FORMS)}"', refusals=frozenset({"*"}))


@kind
def odd_days_undeclared(draw: Draw) -> Written:
    """Any text in the place of a day where nothing is declared."""
    return good_table(draw, _free(draw, "close", (*ODD_DATES, *ODD_NUMBERS)))


@kind
def endless_numbers_and_days(draw: Draw) -> Written:
    """Cells of many thousands of digits in the place of a number, a day or a moment are problems, in few words."""
    length = draw.random.choice([9_999, 10_001, 120_000, 1_200_000])
    text = draw.word("9", "0", "1", "-9", "x", "0.1", "9,9") + draw.word("9", "0", "1", "x") * length
    column = draw.word("amount", "close", "note", "stage", "name", "id")
    rows = [each for each in _good(draw) if draw.below(2)][:40] or _good(draw)[:1]
    rows[0] = replace(_changed(rows[0], **{column: text}), codes=None, values={})
    section = draw.word("", f'numbers = "{draw.word(*LOCALES)}"', f'dates = "{draw.word(*FORMS)}"')
    rules = {"Description": "", "Seen__c": '"note"'} if column == "note" else {}
    if "dates" in section or rules:
        rows = [replace(each, codes=None) for each in rows]
    if "numbers" in section:
        rows = [
            replace(_changed(each, amount=each.cells["amount"] if each is rows[0] else "7"), codes=None)
            for each in rows
            if each.cells
        ]
    return replace(good_table(draw, rows), section=section, rules=rules)


@kind
def odd_moments(draw: Draw) -> Written:
    """Any text in the place of a moment, declared or not."""
    rule = draw.word(
        '"note"', *(f'{{ column = "note", format = "{each}" }}' for each in ("iso", "epoch-ms", "epoch-s"))
    )
    written = good_table(draw, _free(draw, "note", (*ODD_DATES, *ODD_NUMBERS)))
    return replace(written, rules={"Description": "", "Seen__c": rule}, refusals=frozenset({"*"}))


@kind
def odd_forms_declared(draw: Draw) -> Written:
    """Forms and locales that are none: refused by the job, or read."""
    odd = (
        "",
        " ",
        "%",
        "%%",
        "%Q",
        "%d%d",
        "D",
        "D.M",
        "D.M.Y.Z",
        "MMM",
        "D MMM Y",
        "D MMM Y xx_XX",
        "excel",
        "EPOCH-MS",
        "de",
        "de-DE",
        "DE_de",
        "root",
        "../de",
        "en_US_POSIX",
        "x" * 5_000,
        "😀",
        "%Y-%m-%d %z",
        "%c",
        "\\u0000",
        "C",
    )
    key = draw.word("numbers", "dates")
    return replace(
        good_table(draw, _free(draw, "note", ("", "x"))),
        section=f'{key} = "{draw.word(*odd)}"',
        refusals=frozenset({"*"}),
    )


@kind
def keys_that_are_equal(draw: Draw) -> Written:
    """Keys that stand twice are problems in every row that has them; keys without a twin are good."""
    rows = [_changed(each, id=f"K-{draw.below(len(range(draw.size)) * 3 + 1)}") for each in _good(draw)]
    seen = Counter((each.cells or {})["id"] for each in rows)
    judged = [
        replace(
            each, codes=frozenset({"DUPLICATE_KEY"}) if seen[(each.cells or {})["id"]] > 1 else frozenset()
        )
        for each in rows
    ]
    return good_table(draw, judged)


@kind
def keys_that_look_alike(draw: Draw) -> Written:
    """Keys that only width, composition, zeros or blanks tell apart are problems of both rows."""
    pairs = [
        ("é", "e\u0301"),
        ("ＡＢ1", "AB1"),
        ("007", "7"),
        ("x", " x "),
        ("ﬁn", "fin"),
        ("①", "1"),
        ("K\u00a0", "K"),
        ("ab\t", "ab"),
        ("Å", "\u212b"),
        ("000", "0"),
        ("２", "2"),
    ]
    first, second = draw.random.choice(pairs)
    rows = _good(draw)
    bad = frozenset({"DUPLICATE_KEY"})
    rows += [replace(_changed(rows[0], id=each), codes=bad) for each in (first, second)]
    draw.random.shuffle(rows)
    return good_table(draw, rows)


@kind
def odd_keys(draw: Draw) -> Written:
    """Keys that are empty, too long, or hold controls are problems of their rows; one at its limit is none."""
    long = draw.random.choice([254, 255, 256, 300])
    rows = _good(draw)
    for key, code in [
        (" ", "NO_KEY_VALUE"),
        ("a\x01b", "BAD_KEY"),
        ("a\nb", "BAD_KEY"),
        ("k" * 70_000, "KEY_TOO_LONG"),
    ]:
        if draw.below(2):
            rows.append(replace(_changed(rows[0], id=key), codes=frozenset({code, "TOO_LONG", "BAD_VALUE"})))
    rows.append(replace(_changed(rows[0], id="é" * long), codes=None))
    return good_table(draw, rows)


@kind
def names_at_their_limit(draw: Draw) -> Written:
    """A name of 120 characters is good, one of 121 is a problem; an emoji is what the platform counts it as."""
    rows = []
    for each in _good(draw):
        length = draw.random.choice([119, 120, 121, 255, 256])
        good = frozenset() if length <= 120 else frozenset({"BAD_VALUE", "TOO_LONG"})
        rows.append(replace(_changed(each, name=draw.word("x", "é", "日") * length), codes=good))
    return good_table(draw, rows)


@kind
def odd_texts(draw: Draw) -> Written:
    """Formulas, right-to-left text, emoji, controls and code in every text column arrive as they are."""
    rows = []
    for each in _good(draw):
        control = draw.random.choice(CONTROLS)
        text = draw.word(*ODD_TEXTS, f"a{control}b", control)
        column = draw.word("name", "note", "stage", "close")
        rows.append(replace(_changed(each, **{column: text}), codes=None))
    return good_table(draw, rows)


@kind
def odd_words_of_picklists(draw: Draw) -> Written:
    """Words that are no stage are problems, however near they come."""
    words = (
        "prospecting",
        "Prospecting\u00a0",
        "Prospectinɡ",
        "Closed  Won",
        "Won",
        "0",
        "Prospecting;Qualification",
        "x" * 300,
    )
    rows = [
        replace(_changed(each, stage=draw.word(*words)), codes=frozenset({"UNKNOWN_STAGE", "BAD_VALUE"}))
        for each in _good(draw)
    ]
    return good_table(draw, rows)


@kind
def odd_words_of_yes_and_no(draw: Draw) -> Written:
    """Texts for a truth value, an id, an owner and a parent."""
    field, rule = draw.random.choice(
        [
            ("IsPrivate", '"note"'),
            ("AccountId", '{ column = "note", match = ["Name"] }'),
            ("RecordTypeId", '"note"'),
            ("OwnerId", '{ column = "note", match = ["Email"] }'),
            ("Probability", '"note"'),
            ("Type", '"note"'),
        ]
    )
    texts = (
        *ODD_TEXTS,
        "yes",
        "x",
        "0",
        "101",
        "-1",
        "TRUE",
        "ja",
        "006000000000001",
        "006000000000001AAA",
        "00600000000000",
    )
    written = good_table(draw, _free(draw, "note", texts))
    return replace(written, rules={"Description": "", field: rule}, refusals=frozenset({"*"}))
