"""The named endpoints for programs: /tag, /describe, /score and /compare, with the page's own limits and sentences."""

# No postponed annotations here: gradio reads the types of what is returned off the functions as they stand.
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import gradio as gr
from gradio.utils import get_upload_folder

from demo.core.actions import Workbench, explain
from demo.core.categories import Categories
from demo.sections.parts import IN_TURN, visitor_of
from demo.server.uploads import uploaded
from ram.errors import InputError
from ram.export.formats import AT_LEAST

MOST_TEXT = 10_000
"""Characters of a text that are looked at."""

DescriberName = Literal["lexicon", "template", "openai"]


class Endpoints:
    """What programs may ask for; each answer is JSON in the form of the command line's `--json`.

    Args:
        bench: the models and describers behind the page.
    """

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench

    def tag(self, photo: gr.FileData, top: int = AT_LEAST) -> dict:
        """Name what is in a photo, out of the predefined tags.

        Args:
            photo: JPEG, PNG, WebP, GIF, BMP, TIFF, PPM or AVIF, at most 20 MB and 50 megapixels.
            top: how many of the most probable tags to list, whatever their thresholds.

        Returns:
            {"model", "tags": names over their thresholds, "scores": [{"tag", "probability", "threshold",
            "descriptions": [{"text", "weight"}]}]}, most probable and heaviest first.
        """
        with _sentences():
            if isinstance(top, bool) or not isinstance(top, int):
                raise InputError(f"top is {str(top)[:40]!r}: give a whole number")
            tagged = next(self.bench.tag(self._path(photo)))
            return {"model": self.bench.taggers[0].name, **tagged.prediction.to_dict(top=max(top, 0))}

    def describe(self, categories: str, request: gr.Request, describer: DescriberName = "lexicon") -> dict:
        """Describe categories in sentences, as they would be held against a photo.

        Args:
            categories: names separated by commas, such as "corgi, meteor shower"; at most 20 of 60 characters.
            describer: who writes the sentences.

        Returns:
            {"categories": [{"tag", "sentences": [{"text", "origin", "cached": it was stored and cost
            nothing}]}], "notices": what did not go as asked}.
        """
        with _sentences():
            typed = self._described(categories, describer, request)
            told = [
                {"tag": tag, "sentences": [dataclasses.asdict(s) for s in typed.sentences.get(tag, ())]}
                for tag in typed.names
            ]
            return {"categories": told, "notices": list(typed.notices)}

    def score(
        self, photo: gr.FileData, categories: str, request: gr.Request, describer: DescriberName = "lexicon"
    ) -> dict:
        """Say how likely each of any categories is in a photo, by sentences that describe it.

        Args:
            photo: a picture, at most 20 MB and 50 megapixels.
            categories: names separated by commas, at most 20 of 60 characters.
            describer: who writes the sentences.

        Returns:
            {"model", "tags", "scores", "notices"}, with scores as in /tag.
        """
        with _sentences():
            path, typed = self._path(photo), self._described(categories, describer, request)
            scores = self.bench.score(next(self.bench.tag(path)).photo, typed)
            name = self.bench.taggers[0].name
            return {"model": name, **scores[name].to_dict(), "notices": list(typed.notices)}

    def compare(
        self, photo: gr.FileData, categories: str, request: gr.Request, describer: DescriberName = "lexicon"
    ) -> dict:
        """Score categories in a photo with every model of the page, such as RAM beside RAM++.

        Args:
            photo: a picture, at most 20 MB and 50 megapixels.
            categories: names separated by commas, at most 20 of 60 characters.
            describer: who writes the sentences.

        Returns:
            {"categories": [{"tag", "models": {name of a model: score as in /tag}}], "notices"}.
        """
        with _sentences():
            path, typed = self._path(photo), self._described(categories, describer, request)
            *_, tagged = self.bench.tag(path)
            scores = self.bench.score(tagged.photo, typed)
            compared = [{"tag": tag, "models": {m: p[tag].to_dict() for m, p in scores.items()}} for tag in typed.names]
            return {"categories": compared, "notices": list(typed.notices)}

    def _path(self, photo: Any) -> Path:
        return uploaded(photo, get_upload_folder())

    def _described(self, text: str, describer: str, request: gr.Request) -> Categories:
        if not isinstance(text, str) or not isinstance(describer, str):
            raise InputError('categories and describer are text: give names such as "corgi, meteor shower"')
        if len(text) > MOST_TEXT:
            raise InputError(f"{len(text):,} characters of categories are too many: give at most {MOST_TEXT:,}")
        *_, typed = self.bench.describe(text, describer, visitor_of(self.bench, request))
        return typed


def add_endpoints(bench: Workbench) -> None:
    """Add the endpoints to the page that is being built.

    Only /tag waits in the line of the page's photos: where something is described, a language model may take its time,
    and no photo should wait for that.
    """
    endpoints = Endpoints(bench)
    line = {name: IN_TURN[name] for name in ("concurrency_id", "concurrency_limit")}
    gr.api(endpoints.tag, api_name="tag", **line)
    for slower in (endpoints.describe, endpoints.score, endpoints.compare):
        gr.api(slower, api_name=slower.__name__)


@contextmanager
def _sentences() -> Iterator[None]:
    """Failures as the one sentence that the page would show; a program gets no more, and the log no trace of it."""
    try:
        yield
    except Exception as error:
        raise gr.Error(explain(error), print_exception=False) from None
