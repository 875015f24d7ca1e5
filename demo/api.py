"""Named endpoints for programs, also MCP tools: /tag, /caption, /describe, /score and /compare."""

# No postponed annotations here: gradio reads the types of the functions at run time.
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from demo.core.captioning_photos import caption_file
from demo.core.categories import Categories
from demo.core.messages import message
from demo.core.workbench import Workbench
from demo.sections.parts import SERIAL
from demo.server.uploads import uploaded
from demo.server.visitors import visitor_of
from ram.describers.loading import DescriberName
from ram.errors import InputError
from ram.export.formats import AT_LEAST

MAX_TEXT = 10_000
"""Characters of a text that are read."""


class Endpoints:
    """Functions for programs; each answer is JSON in the form of the command line's `--json`.

    Args:
        bench: models and describers.
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
            "descriptions": [{"text", "weight"}]}]}, most probable and heaviest first; "unlike", of models that can
            tell: whether the photo is unlike those the model was taught on; "notices" where the file is damaged and
            was read all the same.
        """
        with _errors_for_programs():
            if isinstance(top, bool) or not isinstance(top, int):
                raise InputError(f"top is {str(top)[:40]!r}: give a whole number")
            tagged = next(self.bench.tag(self._path(photo)))
            notices = {"notices": list(tagged.notices)} if tagged.notices else {}
            return {"model": self.bench.taggers[0].name, **tagged.prediction.to_dict(top=max(top, 0)), **notices}

    def caption(self, photo: gr.FileData, tags: str = "", beams: int = 3) -> dict:
        """Write a sentence about a photo, guided by the tags that the model finds or by those you give.

        Args:
            photo: a picture, at most 20 MB and 50 megapixels.
            tags: names separated by commas, such as "dog, frisbee", that the sentence should mention; at most 20 of 60
                characters. Empty for the best of several sentences, guided by tags that the models find.
            beams: sentences that the search keeps at each word, 1 to 8; 1 is greedy.

        Returns:
            {"model", "caption", "tags": those that guided the sentence}; "notices" where the file is damaged and was
            read all the same.
        """
        with _errors_for_programs():
            self._check_text("tags are", tags)
            path = self._path(photo)
            if self.bench.captioner is None:
                raise InputError("no model of this page writes captions: start it with --captioner tag2text-lite")
            written = caption_file(self.bench.captioner, path, tags, beams, self.bench.judge)
            notices = {"notices": list(written.notices)} if written.notices else {}
            caption = written.caption
            return {"model": written.model, "caption": caption.text, "tags": list(caption.tags), **notices}

    def describe(self, categories: str, request: gr.Request, describer: DescriberName = "lexicon") -> dict:
        """Describe categories in the sentences that a photo would be compared with.

        Args:
            categories: names separated by commas, such as "corgi, meteor shower"; at most 20 of 60 characters.
            describer: who writes the sentences.

        Returns:
            {"categories": [{"tag", "sentences": [{"text", "origin", "cached": it came from the cache at no
            cost}]}], "notices": problems of the describer}.
        """
        with _errors_for_programs():
            typed = self._described(categories, describer, request)
            described = [
                {"tag": tag, "sentences": [dataclasses.asdict(s) for s in typed.sentences.get(tag, ())]}
                for tag in typed.names
            ]
            return {"categories": described, "notices": list(typed.messages)}

    def score(
        self, photo: gr.FileData, categories: str, request: gr.Request, describer: DescriberName = "lexicon"
    ) -> dict:
        """Score how probable any categories are in a photo, by sentences that describe them.

        Args:
            photo: a picture, at most 20 MB and 50 megapixels.
            categories: names separated by commas, at most 20 of 60 characters.
            describer: who writes the sentences.

        Returns:
            {"model", "tags", "scores", "notices"}, with scores as in /tag.
        """
        with _errors_for_programs():
            path, typed = self._path(photo), self._described(categories, describer, request)
            scores = self.bench.score(next(self.bench.tag(path)).photo, typed)
            name = self.bench.taggers[0].name
            if name not in scores:
                raise typed.unscored()
            return {"model": name, **scores[name].to_dict(), "notices": list(typed.messages)}

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
        with _errors_for_programs():
            path, typed = self._path(photo), self._described(categories, describer, request)
            *_, tagged = self.bench.tag(path)
            scores = self.bench.score(tagged.photo, typed)
            if not scores:
                raise typed.unscored()
            scored = next(iter(scores.values())).vocabulary.tags
            compared = [{"tag": tag, "models": {m: p[tag].to_dict() for m, p in scores.items()}} for tag in scored]
            return {"categories": compared, "notices": list(typed.messages)}

    def _path(self, photo: Any) -> Path:
        return uploaded(photo, get_upload_folder())

    def _described(self, text: str, describer: str, request: gr.Request) -> Categories:
        self._check_text("categories and describer are", text, describer)
        *_, typed = self.bench.describe(text, describer, visitor_of(request.headers))
        return typed

    def _check_text(self, what: str, text: str, *others: str) -> None:
        if not all(isinstance(one, str) for one in (text, *others)):
            raise InputError(f'{what} text: give names such as "corgi, meteor shower"')
        if len(text) > MAX_TEXT:
            name = what.split()[0]
            raise InputError(f"{len(text):,} characters of {name} are too many: give at most {MAX_TEXT:,}")


def add_endpoints(bench: Workbench) -> None:
    """Add the endpoints to the page that is being built.

    /tag and /caption share the queue of the page's photos; the others may wait for a language model, and no photo
    should wait with them.
    """
    endpoints = Endpoints(bench)
    queue = {name: SERIAL[name] for name in ("concurrency_id", "concurrency_limit")}
    for serial in (endpoints.tag, endpoints.caption):
        gr.api(serial, api_name=serial.__name__, **queue)
    for slower in (endpoints.describe, endpoints.score, endpoints.compare):
        gr.api(slower, api_name=slower.__name__)


@contextmanager
def _errors_for_programs() -> Iterator[None]:
    """Answer an error with the sentence that the page would show."""
    try:
        yield
    except Exception as error:
        raise gr.Error(message(error), print_exception=False) from None
