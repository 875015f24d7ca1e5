"""Links and buttons that save what is shown: tables as data addresses, plots by a script from the drawing itself."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from demo.core.exports import Download, export_table


def table_downloads(name: str, rows: Sequence[Mapping[str, Any]], of: str = "this table") -> str:
    """Links to a small table as CSV and as JSON; nothing where it is empty."""
    if not rows:
        return ""
    as_csv, as_json = export_table(name, rows)
    return _group(of, _link(as_csv, "CSV", of) + _link(as_json, "JSON", of))


def plot_downloads(name: str, of: str = "this plot") -> str:
    """Buttons, inside a figure, that save the drawing in it which is visible as PNG and as SVG (see `page.js`)."""
    buttons = "".join(
        f'<button type="button" data-plot="{form}" data-name="{escape(name)}" '
        f'aria-label="Download {escape(of)} as {form.upper()}">{form.upper()}</button>'
        for form in ("png", "svg")
    )
    return _group(of, buttons)


def save_now(download: Download) -> str:
    """A hidden text that `SAVE` writes to a file as soon as it is on the page."""
    return (
        f'<textarea hidden aria-hidden="true" data-name="{escape(download.name)}" '
        f'data-kind="{escape(download.kind)}">{escape(download.text)}</textarea>'
        f'<p class="hint" data-said>{escape(download.name)} was saved with your downloads.</p>'
    )


SAVE = """
watch('value', () => {
  const text = element.querySelector('textarea[data-name]');
  if (!text) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text.value], {type: text.dataset.kind}));
  link.download = text.dataset.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  text.remove();
});
"""


def _group(of: str, content: str) -> str:
    said = f"Download {escape(of)}"
    return (
        f'<div class="downloads" role="group" aria-label="{said}"><span aria-hidden="true">{said}</span>{content}</div>'
    )


def _link(download: Download, form: str, of: str) -> str:
    coded = base64.b64encode(download.text.encode()).decode()
    return (
        f'<a href="data:{download.kind};charset=utf-8;base64,{coded}" download="{escape(download.name)}" '
        f'aria-label="Download {escape(of)} as {form}">{form}</a>'
    )
