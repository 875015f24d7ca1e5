"""Describers by name: the command line and the page offer those listed here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from ram.describers.base import Describer
from ram.errors import InputError

DescriberName = Literal["lexicon", "template", "openai"]
DESCRIBERS: Mapping[str, str] = {
    "lexicon": "Lexicon",
    "template": "Templates",
    "openai": "Language model",
}
"""Names that :func:`load_describer` accepts, and what the page calls them."""


def load_describer(
    name: str,
    *,
    model: str | None = None,
    environ: Mapping[str, str],
    cache_folder: Path | str | None = None,
) -> Describer:
    """Create a describer.

    Args:
        name: one of `DESCRIBERS`.
        model: language model of "openai"; None for its default.
        environ: where "openai" finds OPENAI_API_KEY and OPENAI_BASE_URL.
        cache_folder: where the answers of "openai" are stored; None stores nothing.

    Raises:
        InputError: there is no such describer, or the base URL is not a URL.
        MissingKeyError: "openai" without a key.
        DescriberError: the installed word lists cannot be read.
    """
    if name == "lexicon":
        from ram.describers.lexicon.describer import LexiconDescriber
        from ram.describers.lexicon.synsets import Lexicon

        return LexiconDescriber(Lexicon.installed())
    if name == "template":
        from ram.describers.template import TemplateDescriber

        return TemplateDescriber()
    if name == "openai":
        from ram.describers.chat.describer import ChatDescriber
        from ram.describers.description_cache import CachedDescriber, DescriptionCache

        chat = ChatDescriber.from_environ(environ, model=model)
        return chat if cache_folder is None else CachedDescriber(chat, DescriptionCache(cache_folder))
    raise InputError(f"there is no describer {name!r}: choose one of {', '.join(DESCRIBERS)}")
