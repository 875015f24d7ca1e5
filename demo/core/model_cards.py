"""Read the model card of a shipped model: the README of its folder, in plain paragraphs, lists and tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

SECTIONS = ("Uses", "Limits", "Training data", "Evaluation")
"""Sections of a card that the page shows."""


@dataclass(frozen=True)
class Block:
    """A part of a section.

    Args:
        kind: "paragraph", "list" or "table".
        rows: cells of each row; a paragraph has one row of one cell, a list one cell a row, and a table begins with
            its head.
    """

    kind: str
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class ModelCard:
    """Name, summary and sections of a model's card.

    Args:
        name: of the model.
        summary: one sentence or two.
        sections: blocks by title, those of :data:`SECTIONS` that the card has.
    """

    name: str
    summary: str
    sections: dict[str, tuple[Block, ...]]


def read_card(name: str, folder: Path) -> ModelCard | None:
    """The card of a model folder, or None where it has none."""
    path = folder / "README.md"
    if not path.is_file():
        return None
    text = re.sub(r"\A---\n.*?\n---\n", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    head, *others = re.split(r"^## ", text, flags=re.MULTILINE)
    sections = {}
    for other in others:
        title, _, body = other.partition("\n")
        if title.strip() in SECTIONS:
            sections[title.strip()] = _blocks(body)
    summary = _blocks(re.sub(r"^# .*$", "", head, flags=re.MULTILINE))
    ordered = {title: sections[title] for title in SECTIONS if title in sections}
    return ModelCard(name, summary[0].rows[0][0] if summary else "", ordered)


def _blocks(text: str) -> tuple[Block, ...]:
    blocks = []
    for part in filter(None, map(str.strip, re.split(r"\n\s*\n", text))):
        if part.startswith("|"):
            lines = [line for line in part.splitlines() if not re.fullmatch(r"[|\s:-]+", line)]
            rows = [tuple(_plain(cell) for cell in line.strip("|").split("|")) for line in lines]
            blocks.append(Block("table", tuple(rows)))
        elif part.startswith("- "):
            items = re.split(r"^- ", part, flags=re.MULTILINE)[1:]
            blocks.append(Block("list", tuple((_plain(item),) for item in items)))
        else:
            blocks.append(Block("paragraph", ((_plain(part),),)))
    return tuple(blocks)


def _plain(text: str) -> str:
    """Text on one line without Markdown's marks."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return " ".join(re.sub(r"[`*]", "", text).split())
