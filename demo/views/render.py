"""Render the page's templates and read its scripts.

Each file of `templates` mirrors a module of this folder and holds macros. Jinja2 escapes every value that they print.
"""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

if TYPE_CHECKING:
    from demo.core.exports import Download

STATIC = Path(__file__).parent / "static"
TRANSLATIONS = Path(__file__).parent / "labels.json"


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
    )  # fmt: skip
    environment.filters |= {
        "decimals": "{:.2f}".format,
        "percent": "{:.0%}".format,
        "width": "{:.1%}".format,
        "thousands": "{:,}".format,
        "counted": _counted,
        "data_address": data_address,
        "download_address": _download_address,
    }
    return environment


def _counted(count: int, noun: str, nouns: str = "") -> str:
    """ "1 photo", "2 photos", "1,234 photos"."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def _download_address(download: Download) -> str:
    return data_address(download.content.encode(), f"{download.media_type};charset=utf-8")
