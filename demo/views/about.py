"""The foot of the page: the papers, the models on the page, and the ways to use it from programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from demo.core.model_cards import ModelCard
from demo.core.snippets import COMMAND_LINE
from demo.core.texts import say
from demo.views.render import render


def about(cards: Sequence[ModelCard], labels: Mapping[str, str], code_url: str = "") -> str:
    """Links to the papers and the code, and a card of each model that has one.

    Args:
        cards: of the models on the page.
        labels: of the models, by name.
        code_url: address of the source code; no link where it is empty.
    """
    return render("about", "about", cards=cards, labels=labels, code_url=code_url)


def code(snippets: Mapping[str, str]) -> str:
    """The view of the page as code, by language, each with a button that copies it."""
    names = {language: say("command_line") if language == COMMAND_LINE else language for language in snippets}
    return render("about", "code", snippets=snippets, names=names)
