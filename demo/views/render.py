"""Render the page's templates and read its scripts.

Each file of `templates` mirrors a module of this folder and holds macros. Jinja2 escapes every value that they print.
A :class:`~demo.core.texts.Text` is printed in English with its key, and `languages.html` shows it in the visitor's
language.
"""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from demo.core.shown_tags import tag_name
from demo.core.texts import Text, say, together

if TYPE_CHECKING:
    from demo.core.exports import Download

STATIC = Path(__file__).parent / "static"


def render(template: str, macro: str, **values: Any) -> str:
    """HTML of one macro of a template, "" where the macro prints nothing."""
    return str(getattr(_environment().get_template(f"{template}.html.j2").module, macro)(**values)).strip()


def script(*names: str) -> str:
    """JavaScript of the page's files with these names, one after the other."""
    return "\n".join((STATIC / f"{name}.js").read_text(encoding="utf-8") for name in names)


def data_address(content: bytes, media_type: str) -> str:
    """A "data:" address that holds the content itself."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        finalize=_with_key,
    )  # fmt: skip
    environment.globals |= {"say": say, "together": together}
    environment.filters |= {
        "decimals": "{:.2f}".format,
        "percent": "{:.0%}".format,
        "width": "{:.1%}".format,
        "thousands": "{:,}".format,
        "as": _attribute,
        "tag_name": tag_name,
        "data_address": data_address,
        "download_address": _download_address,
    }
    return environment


def _with_key(value: Any) -> Any:
    """Turn a text into an element that holds its key; other values are printed as they are."""
    return Markup(render("texts", "text", text=value)) if isinstance(value, Text) else value


def _attribute(text: str, name: str) -> Markup:
    """A text as an attribute of an element, with its key beside it."""
    key = Markup(' data-say-{}="{}"').format(name, text.specification) if isinstance(text, Text) else ""
    return Markup('{}="{}"{}').format(name, str(text), key)


def _download_address(download: Download) -> str:
    return data_address(download.content.encode(), f"{download.media_type};charset=utf-8")
