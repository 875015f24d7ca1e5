"""Describe categories that are given by their names alone."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from ram.describers.fallback import describe_tags
from ram.describers.loading import load_describer
from ram.describers.template import TemplateDescriber
from ram.text.descriptions import TagDescriptions
from ram.text.names import normalize_category, parse_categories, spaced

_log = logging.getLogger(__name__)


def describe_names(names: Iterable[str]) -> TagDescriptions:
    """Describe categories with the lexicon; log what it does not know.

    Args:
        names: a list, or one text such as "corgi, kite".

    Raises:
        TypeError: something else than names.
        InputError: a name is unusable.
    """
    tags: dict[str, None] = {}
    if isinstance(names, str):
        names = parse_categories(names)
    for name in names if isinstance(names, Iterable) else [names]:
        if not isinstance(name, str):
            raise TypeError(f"categories are names, or a mapping from names to sentences, not {type(name).__name__}")
        tags[spaced(normalize_category(name))] = None
    written, notices = describe_tags(load_describer("lexicon", environ={}), TemplateDescriber(), tags)
    for notice in notices:
        _log.warning("%s", notice.text)
    return written
