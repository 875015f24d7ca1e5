"""Names of categories: split what a person typed, check it, and find the tag that it means."""

from __future__ import annotations

import re
import unicodedata

from ram.errors import InputError
from ram.text.cleaning import excerpt, plain_text

MAX_CATEGORIES = 20
MAX_NAME_LENGTH = 60
"""Characters of a category."""
PUNCTUATION = "'‘’-–.&/()（）+_!?%°·・"
"""Allowed in a category beside letters, digits and spaces: nothing that opens mark-up, quotes or a template."""


def parse_categories(text: str) -> tuple[str, ...]:
    """Split what a person typed ("corgi, meteor shower") into categories, in order, without repeats.

    Commas, semicolons and new lines separate; underscores between words count as spaces. Names that differ only in
    case, accents or hyphens are one.

    Raises:
        InputError: no category, more than `MAX_CATEGORIES`, or one that :func:`normalize_category` refuses.
    """
    separators = r"[,;\r\n\u2028\u2029，；、]"
    parts = [part for part in re.split(separators, unicodedata.normalize("NFC", text)) if plain_text(part)]
    if not parts:
        given = f"{excerpt(text)} names no category" if plain_text(text) else "no category was given"
        raise InputError(f'{given}: type one or more, such as "corgi, meteor shower"')
    categories: dict[str, str] = {}
    for part in parts:
        compatible = unicodedata.normalize("NFKC", part)  # full-width letters of Asian keyboards are plain ones
        category = spaced(normalize_category(compatible if compatible.isascii() else part))
        categories.setdefault(matching_key(category), category)
    if len(categories) > MAX_CATEGORIES:
        raise InputError(f"{len(categories)} categories are too many: a list has at most {MAX_CATEGORIES}")
    return tuple(categories.values())


def normalize_category(text: str) -> str:
    """One category as it is shown and stored: single spaces, no invisible characters, case kept.

    Raises:
        InputError: no letter or digit, longer than `MAX_NAME_LENGTH` characters, or a character that is not a letter, a
            digit, a space or in `PUNCTUATION`.
    """
    category = plain_text(text)
    if not any(character.isalnum() for character in category):
        raise InputError(f'{excerpt(text)} has no letter or digit: type a name such as "corgi"')
    if len(category) > MAX_NAME_LENGTH:
        raise InputError(
            f"{excerpt(category)} has {len(category)} characters: a category has at most {MAX_NAME_LENGTH}"
        )
    if foreign := next((one for one in category if not _is_allowed(one)), None):
        raise InputError(
            f"{excerpt(category)} cannot have the character {foreign}: a category has letters, digits, spaces "
            "and light punctuation such as ' - . & / ( )"
        )
    return category


def spaced(name: str) -> str:
    """Replace underscores between words by spaces: "traffic_light" -> "traffic light"."""
    return re.sub(r"(?<=[^\W_]|[)）])_+(?=[^\W_]|[(（])", " ", name)


def unaccented(name: str) -> str:
    """Remove accents and other marks above or below letters: "café" -> "cafe"."""
    bare = re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFD", name))
    return unicodedata.normalize("NFC", bare)


def matching_key(name: str) -> str:
    """Normalise a name for comparison: without case, accents, underscores and hyphens."""
    return unaccented(spaced(name).replace("-", " ").casefold())


def unreadable_words(text: str) -> tuple[str, ...]:
    """Words that an English text encoder cannot read, because a letter is of another script than Latin.

    MiniLM's tokenizer gives all words of an unknown script one token, so that different tags would get one embedding.
    """
    return tuple(word for word in text.split() if any(map(_is_foreign_letter, word)))


def split_sense(name: str) -> tuple[str, str]:
    """Split "crane (bird)" into the word and its sense; the sense is "" where there is none."""
    found = re.fullmatch(r"(.*\w)\s*[(（]\s*([^()（）]*\w)\s*[)）]", name)
    return (found[1], found[2]) if found else (name, "")


def _is_foreign_letter(one: str) -> bool:
    return one.isalpha() and not one.isascii() and not unicodedata.name(one, "").startswith("LATIN")


def _is_allowed(one: str) -> bool:
    """Whether a character is a letter, its mark or joiner, a digit, a space or in `PUNCTUATION`."""
    return unicodedata.category(one)[0] in "LMN" or one in " \u200c\u200d" or one in PUNCTUATION
