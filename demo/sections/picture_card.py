"""The button that saves a photo with its tags and reasons as one picture, which the visitor's browser draws."""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr

from demo.core.categories import Categories
from demo.core.edits import Edits
from demo.core.listed_tags import list_tags
from demo.core.photos import Photo
from demo.core.texts import input_error
from demo.core.workbench import Workbench
from demo.sections.languages import wording
from demo.sections.parts import PRIVATE, SERIAL, Update, errors_shown_in, html
from demo.views.picture_card import picture_card


class PictureCard:
    """Component and event handler.

    Args:
        bench: the models.
    """

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.button = gr.Button(wording("picture_card"), size="sm", min_width=140, elem_id="card-button")
        self.saved = html("", "card-saved", "picture_card")

    def wire(self, looked: gr.State, typed: gr.State, edits: gr.State) -> None:
        """Draw the card on request."""
        self.button.click(
            self.on_save, [looked, typed, edits], [self.saved], show_progress="hidden", **SERIAL, **PRIVATE
        )

    @errors_shown_in("saved")
    def on_save(self, photo: Photo | None, typed: Categories | None, edits: Edits) -> Iterator[Update]:
        """Draw the typed categories and the tags over their thresholds, the most probable ones, beside the photo.

        A typed category that is a predefined tag is drawn as the tag.
        """
        yield {self.saved: ""}  # so that the browser saves a card that equals the one before
        if photo is None or photo.prediction is None:
            raise input_error("card_no_photo")
        main, vocabulary = self.bench.taggers[0].name, photo.prediction.vocabulary
        own = self.bench.score(photo, typed).get(main, ())
        listed = [one.score for one in list_tags(photo.prediction, edits.scores(photo)) if one.score.present]
        scores = [score for score in own if score.tag not in vocabulary] + listed
        yield {self.saved: picture_card(photo.picture(), scores, main)}
