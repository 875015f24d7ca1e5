"""Clean untrusted text: what people type, what language models answer, what files of strangers hold."""

from __future__ import annotations

import re
import unicodedata

MAX_WORDS = 55
"""Words kept of one sentence: CLIP reads 77 tokens, and English takes about 1.3 tokens per word."""
MAX_CHARACTERS = 400
"""Characters kept of one sentence, for scripts that do not put spaces between words."""


def plain_text(text: str) -> str:
    """One line in NFC, with single spaces and without invisible or direction-changing characters."""
    spaced = re.sub(r"\s", " ", text)
    visible = "".join(one for one in spaced if one in "\u200c\u200d" or unicodedata.category(one) not in _INVISIBLE)
    return re.sub(" +", " ", unicodedata.normalize("NFC", visible)).strip(" \u200c\u200d")


def clean_sentence(text: str) -> str:
    """One description on one line: no list markers, enclosing quotes, mark-up or control characters.

    A long one is cut to what a text encoder reads: after a sentence if that keeps half, else after a word.
    Returns "" where no letter or digit is left.
    """
    joined = ""
    for line in re.split(r"[\r\n\u2028\u2029]+", text[:20_000]):
        if bare := _LIST_MARKER.sub("", re.sub(r"\*+|`+|__+|#{2,}", "", plain_text(line))).strip():
            joined += ("," if joined[-1:].isalnum() else "") + f" {bare}"
    joined = joined.strip()
    while (quoted := _QUOTED.fullmatch(joined)) is not None:
        joined = quoted[1].strip()
    short = _cut(joined)
    return short if any(character.isalnum() for character in short) else ""


def whole_sentences(text: str) -> str:
    """The text without an incomplete last sentence; unchanged where no sentence ends."""
    ends = [end.end() for end in re.finditer(r"[.!?。！？][\"'”’)]*(?=\s|$)", text)]
    return text[: ends[-1]] if ends else text


def excerpt(text: str) -> str:
    """The start of untrusted text in quotes, for an error message."""
    plain = plain_text(text[:200])
    return f'"{plain[:40]}{"…" if len(plain) > 40 else ""}"'


def _cut(text: str) -> str:
    words = text.split(" ")
    short = " ".join(words[:MAX_WORDS])
    if len(short) > MAX_CHARACTERS:
        short = short[:MAX_CHARACTERS]
        short = short[: short.rfind(" ")] if " " in short else short
    if len(short) == len(text):
        return text
    complete = whole_sentences(short)
    return complete if 2 * len(complete) >= len(short) else short.rstrip(" ,;:-–—")


_LIST_MARKER = re.compile(r"^\s*(?:(?:[-*•‣–—·#>]+|\(?\d{1,2}[.):]|\(?[a-zA-Z]\))\s+)+")
_QUOTED = re.compile("[\"'“‘«]([^\"“”‘«»]+)[\"'”’»]")
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
