"""Describers by name: the command line and the page offer those listed here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ram.describers.base import Describer
from ram.errors import InputError

if TYPE_CHECKING:
    from ram.describers.local.selection import Encode

DescriberName = Literal["lexicon", "template", "local", "lexicon+local", "openai"]
DESCRIBERS: Mapping[str, str] = {
    "lexicon": "Lexicon",
    "template": "Templates",
    "local": "Small model on this machine",
    "lexicon+local": "Lexicon and small model",
    "openai": "Language model",
}
"""Names that :func:`load_describer` accepts, and what the page calls them."""
OFFLINE = ("lexicon", "template")
"""Describers without a language model, which need no other one to take over."""
USING_LOCAL = ("local", "lexicon+local")
"""Describers that run a language model on this machine."""


def load_describer(
    name: str,
    *,
    model: str | None = None,
    environ: Mapping[str, str],
    cache_folder: Path | str | None = None,
    weights: Path | None = None,
    encode: Encode | None = None,
) -> Describer:
    """Create a describer.

    Args:
        name: one of `DESCRIBERS`.
        model: language model of "openai"; None for its default.
        environ: where "openai" finds OPENAI_API_KEY and OPENAI_BASE_URL.
        cache_folder: where the sentences of language models are stored; None stores nothing.
        weights: GGUF file of the local language model; None for the installed one.
        encode: text encoder by which the sentences of the local language model are selected; see
            `ram.describers.local.selection.Selection`.

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
    if name in USING_LOCAL:
        from ram.describers.joined import JoinedDescriber
        from ram.describers.lexicon.describer import LexiconDescriber
        from ram.describers.lexicon.synsets import Lexicon
        from ram.describers.local.describer import LocalDescriber
        from ram.describers.local.server import shared_server

        lexicon = LexiconDescriber(Lexicon.installed())
        local = _cached(LocalDescriber(shared_server(weights), lexicon, encode), cache_folder)
        return local if name == "local" else JoinedDescriber(lexicon, local)
    if name == "openai":
        from ram.describers.chat.describer import ChatDescriber

        return _cached(ChatDescriber.from_environ(environ, model=model), cache_folder)
    raise InputError(f"there is no describer {name!r}: choose one of {', '.join(DESCRIBERS)}")


def _cached(describer: Describer, folder: Path | str | None) -> Describer:
    """The describer with its sentences stored in a folder, if there is one."""
    from ram.describers.description_cache import CachedDescriber, DescriptionCache

    return describer if folder is None else CachedDescriber(describer, DescriptionCache(folder))
