"""Labels of components in the language of the visitor's browser: English, German or Chinese."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import gradio as gr

from demo.views.render import TRANSLATIONS

PREFIX = "page_"
"""Begins every key, because gradio has keys of its own, such as "code"."""


def wording(key: str) -> Any:
    """A label by its key in `labels.json`; the browser puts the words in.

    Returns:
        An `I18nData`, which every component takes in place of a string, though not all of them declare it.
    """
    return translations()(PREFIX + key)


@cache
def translations() -> gr.I18n:
    """All labels by language, for `Blocks.launch`."""
    languages = json.loads(TRANSLATIONS.read_text(encoding="utf-8"))
    return gr.I18n(**{code: {PREFIX + key: label for key, label in own.items()} for code, own in languages.items()})
