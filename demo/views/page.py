"""The head of the page, its notices, and other parts that every section may show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from demo.core.exports import Download
from demo.core.texts import Text, say
from demo.server.limits import Budget, Spent, Standing
from demo.views.render import render


def header(labels: Mapping[str, str], tags: int) -> str:
    """Render the page's title and the models in use, by name and label."""
    return render("page", "header", labels=labels, tags=tags)


def introduction(title: str, hint: str = "", level: int = 2) -> str:
    """A heading of a section or panel, with a sentence under it."""
    return render("page", "introduction", title=title, hint=hint, level=level)


def hint(sentence: str) -> str:
    """A quiet sentence on its own."""
    return render("page", "hint", sentence=sentence)


def notice(sentences: Iterable[str], kind: str = "problem") -> str:
    """A box of sentences, each once, or nothing; ``kind`` is "problem" or "hint"."""
    distinct = list(dict.fromkeys(sentences))
    return render("page", "notice", sentences=distinct, kind=kind) if distinct else ""


def link(query: str, explanation: str) -> str:
    """A link that the browser completes with its own address, and what it opens."""
    return render("page", "link", query=query, explanation=explanation)


def saved(file: Download) -> str:
    """A file that the browser saves at once."""
    return render("page", "saved", file=file)


def allowance(standing: Standing) -> str:
    """Render today's use of the language model by this visitor and by all visitors."""
    meters = [
        (say("language_model_today"), standing.visitor, standing.visitor_budget),
        (say("all_visitors"), standing.day, standing.day_budget),
    ]
    shown = [(label, _counts(spent, budget), budget.share(spent)) for label, spent, budget in meters]
    return render("page", "allowance", meters=shown)


def _counts(spent: Spent, budget: Budget) -> Text:
    """ "3 of 500 requests, 1,200 of 100,000 tokens"."""
    return say("spent", requests=_of(spent.requests, budget.requests), tokens=_of(spent.tokens, budget.tokens))


def _of(spent: int, most: int | None) -> int | Text:
    """Say how much of a budget is spent, and how large it is where it has a limit."""
    return spent if most is None else say("spent_of", spent=spent, most=most)
