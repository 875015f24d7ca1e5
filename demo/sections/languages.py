"""Texts of the page in the language of the visitor's browser: English, German or Chinese.

gradio chooses the language and translates the labels of its own components; `languages.html` does the same for the
texts of templates and messages, from the same files.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import gradio as gr
from starlette.requests import cookie_parser

from demo.core.shown_tags import PREFIX as TAG
from demo.core.shown_tags import TagName, in_english, tag_name, translated_tags, visitors_language
from demo.core.texts import ENGLISH, languages, texts

PREFIX = "page_"
"""Begins every key, because gradio has keys of its own, such as "code"."""
COOKIE = "page-language"
"""Holds the language that a visitor has chosen in gradio's settings; `languages.html` sets it."""


def wording(key: str) -> Any:
    """A label by its key in the files of texts; the browser puts the words in.

    Returns:
        An `I18nData`, which every component takes in place of a string, though not all of them declare it.
    """
    return translations()(PREFIX + key)


@cache
def translations() -> gr.I18n:
    """All texts and names of tags by language, for `Blocks.launch`; gradio would show a key that English lacks."""
    known = {code: {**own, **translated_tags(code)} for code, own in languages().items()}
    tags = {key: key.removeprefix(TAG) for own in known.values() for key in own if key.startswith(TAG)}
    known[ENGLISH] |= tags
    return gr.I18n(**{code: {PREFIX + key: text for key, text in own.items()} for code, own in known.items()})


def typed_by(request: gr.Request, text: str | None) -> str:
    """Typed categories with tags in place of their names in the visitor's language."""
    headers = request.headers
    chosen = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
    return in_english(text or "", visitors_language(headers.get("accept-language", ""), chosen))


def tag_label(tag: str) -> str:
    """A tag as the label of a choice; the browser puts its name in."""
    name = tag_name(tag)
    return str(wording(name.key)) if isinstance(name, TagName) else tag


def choices(names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Choices of a radio or a list: their values with the keys of their labels; a label without a key stays."""
    return [(str(wording(key)) if key in texts(ENGLISH) else key, value) for value, key in names.items()]
