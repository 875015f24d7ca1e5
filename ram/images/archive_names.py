"""Names in zip archives that do not say their encoding.

A zip entry marks UTF-8 names with a flag; without it the format means code page 437, but systems write the code page
of their own language. The encoding is guessed from all names of an archive together.
"""

from __future__ import annotations

import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable

_UTF8_FLAG = 0x800
_MIXED = "[A-Za-z][^\x00-\x7f]|[^\x00-\x7f][A-Za-z]"
_UNICODE_PATH = 0x7075
"""Extra field with the name in UTF-8 and a checksum of the name that it stands for."""


def read_names(entries: Iterable[zipfile.ZipInfo]) -> list[str]:
    """Names of the entries of one archive, decoded as their system most likely wrote them."""
    entries = list(entries)
    raw = [_raw(info) for info in entries]
    encoding = _guess(b"/".join(name for name in raw if name is not None))
    names = []
    for info, name in zip(entries, raw, strict=True):
        names.append(info.filename if name is None else _unicode_path(info, name) or name.decode(encoding, "replace"))
    return names


def _raw(info: zipfile.ZipInfo) -> bytes | None:
    """Bytes of a name that does not say its encoding; None where it does, or is ASCII."""
    if info.flag_bits & _UTF8_FLAG or info.filename.isascii():
        return None
    return info.filename.encode("cp437")


def _unicode_path(info: zipfile.ZipInfo, raw: bytes) -> str:
    extra = info.extra
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and field[:1] == b"\1" and field[1:5] == struct.pack("<L", zlib.crc32(raw)):
            return field[5:].decode("utf-8", "replace")
    return ""


def _guess(names: bytes) -> str:
    """The first encoding in which the names look like names; code page 437 where none does."""
    for encoding, is_likely in _LIKELY.items():
        try:
            text = names.decode(encoding)
        except UnicodeDecodeError:
            continue
        if is_likely(text):
            return encoding
    return "cp437"


def _is_utf_8(text: str) -> bool:
    """Accented letters stand beside others: a lone "è" is "猫" in GBK."""
    return bool(re.search(f"[^\x00-\xff]|{_MIXED}", text)) or text.isascii()


def _is_japanese(text: str) -> bool:
    """Kana, and Latin letters not next to them: "Château" in code page 437 is "Chフeau" in Shift JIS."""
    return bool(re.search(r"[\u3041-\u30fa]", text)) and not re.search(f"{_MIXED}|[\uff61-\uff9f]", text)


def _is_western(text: str) -> bool:
    return all("LATIN" in unicodedata.name(character, "") for character in text if not character.isascii())


def _is_chinese(text: str) -> bool:
    """At least half of the characters are among the 3,755 most common ones, whose first bytes are B0 to D7."""
    wide = [character.encode("gbk") for character in text if not character.isascii()]
    return 2 * sum(len(each) == 2 and 0xB0 <= each[0] <= 0xD7 and each[1] >= 0xA1 for each in wide) >= len(wide)


def _is_cyrillic(text: str) -> bool:
    return all("CYRILLIC" in unicodedata.name(character, "") for character in text if not character.isascii())


_LIKELY: dict[str, Callable[[str], bool]] = {
    "utf-8": _is_utf_8,
    "shift_jis": _is_japanese,
    "cp437": _is_western,
    "gbk": _is_chinese,
    "cp866": _is_cyrillic,
}
"""Encodings in the order in which they are tried, each with what tells that a text is of it."""
