"""The Why panel: explains the score of a tag and lets its sentences be edited."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr

from demo.core.categories import Categories
from demo.core.edits import Edit, Edits
from demo.core.heat_maps import HeatMaps
from demo.core.photos import Photo, Tagged
from demo.core.texts import input_error
from demo.core.workbench import Workbench
from demo.sections.parts import PRIVATE, SERIAL, Update, errors_shown_in, html
from demo.views import why as views
from ram.prediction import Explanation


@dataclass(frozen=True)
class Subject:
    """The tag that the panel explains.

    Args:
        tag: its name.
        predefined: its sentences if it is a predefined tag; None for a typed category.
        before: its probability before any edit.
        order: indices of its sentences, heaviest first when it was selected; edits do not change the order.
        boxed: whether a box around the tag's object is asked for.
        shown: what the panel shows of it.
    """

    tag: str
    predefined: Categories | None = None
    before: float | None = None
    order: tuple[int, ...] = ()
    boxed: bool = False
    shown: views.Why | None = field(default=None, repr=False, compare=False)


class WhyPanel:
    """The component and its state.

    Args:
        bench: models and describers.
        typed: state with the typed categories.
        first: the photo that the page opens with, or None.
    """

    def __init__(self, bench: Workbench, typed: gr.State, first: Tagged | None) -> None:
        self.bench = bench
        self.typed_state = typed
        self.maps = HeatMaps(bench.taggers[0])
        subject, shown = None, views.nothing()
        if first is not None and (top := first.prediction.top(1)):
            subject, _ = self._select(first.photo, Subject(top[0].tag, bench.open_tag(top[0].tag)), None)
            subject, shown = self._with_map(first.photo, subject)
        self.subject, self.edits = gr.State(subject), gr.State(Edits())
        self.panel = html(shown, "why", "why")
        self.notice = html("", "why-notice")
        self.outputs = [self.subject, self.panel, self.notice]

    def wire(self, looked: gr.State) -> Any:
        """Connect edits to their handler; returns the event."""
        return self.panel.click(
            self.on_edit, [looked, self.typed_state, self.subject, self.edits],
            [*self.outputs, self.typed_state, self.edits], show_progress="hidden", **SERIAL, **PRIVATE,
        )  # fmt: skip

    def wire_map(self, event: Any, looked: gr.State) -> None:
        """Draw the heat map after an event that may have changed what the panel shows."""
        event.then(self.on_map, [looked, self.subject], self.outputs, show_progress="hidden", **SERIAL, **PRIVATE)

    def most_probable(self, tagged: Tagged, edits: Edits) -> Update:
        """Explain the most probable tag of a new photo, of those over their thresholds where there are any."""
        best = tagged.prediction.tags or [score.tag for score in tagged.prediction.top(1)]
        return self.predefined(tagged.photo, best[0], edits) if best else self.empty()

    def predefined(self, photo: Photo | None, tag: str, edits: Edits) -> Update:
        """Explain a predefined tag, with its sentences as they were edited in this photo."""
        subject, shown = self._select(photo, self._predefined(photo, tag, edits), None)
        return {self.subject: subject, self.panel: shown, self.notice: ""}

    def typed(self, photo: Photo | None, typed: Categories, tag: str) -> Update:
        """Explain a typed category."""
        subject, shown = self._select(photo, Subject(tag), typed)
        return {self.subject: subject, self.panel: shown, self.notice: ""}

    def empty(self) -> Update:
        """Explain nothing."""
        return {self.subject: None, self.panel: views.nothing(), self.notice: ""}

    @errors_shown_in("notice")
    def on_edit(
        self, photo: Photo | None, typed: Categories | None, subject: Subject | None, edits: Edits, edit: gr.EventData
    ) -> Update:
        """A sentence was edited: embed it if it is new, and score again; no describer and no image encoder runs.

        Where another tag was selected while the edit was on its way, the edit is kept and the panel stays as it is.
        """
        if not hasattr(edit, "action"):
            return {self.notice: ""}
        tag = getattr(edit, "tag", None)
        shown = subject is not None and tag == subject.tag
        subject = subject if shown else self._subject(photo, typed, edits, tag)
        before = typed if subject is None else subject.predefined or typed
        if subject is None or before is None:
            return {self.notice: ""}
        if edit.action == "box":
            if not shown:
                return {self.notice: ""}
            subject = replace(subject, boxed=not subject.boxed)
            subject, panel = self._shown(photo, subject, before, self.bench.explain(photo, before, subject.tag))
            return {self.notice: "", self.subject: subject, self.panel: panel}
        changed = self._embed(subject, _edited(before, subject.tag, edit))
        explanation = self.bench.explain(photo, changed, subject.tag)
        update: Update = {self.notice: ""}
        if subject.predefined is None:
            update |= {self.typed_state: changed, self.edits: edits.keep_typed(subject.tag, changed)}
        else:
            subject = replace(subject, predefined=changed)
            if photo is not None and explanation is not None:
                update[self.edits] = edits.keep(photo, subject.tag, Edit(changed, explanation.score))
        if shown:
            subject, panel = self._shown(photo, subject, changed, explanation)
            update |= {self.subject: subject, self.panel: panel}
        return update

    @errors_shown_in("notice")
    def on_map(self, photo: Photo | None, subject: Subject | None) -> Update:
        """Draw the heat map of the tag that the panel shows by now; those that were selected before it need none."""
        if photo is None or subject is None or subject.shown is None or not subject.shown.drawing:
            return gr.skip()
        subject, panel = self._with_map(photo, subject)
        return {self.subject: subject, self.panel: panel}

    def _with_map(self, photo: Photo, subject: Subject) -> tuple[Subject, str]:
        """The subject and the panel with the heat map, which is drawn where that is still to be done."""
        shown, tag = subject.shown, subject.tag
        assert shown is not None
        if shown.drawing:
            bank = shown.categories.banks[self.bench.taggers[0].name]
            heat = self.maps.draw(photo, bank, tag)
            box = self.maps.box(photo, bank, tag) if heat and subject.boxed else None
            shown = replace(shown, heat=heat, drawing=False, box=box)
        return replace(subject, shown=shown), views.why(shown)

    def _subject(self, photo: Photo | None, typed: Categories | None, edits: Edits, tag: object) -> Subject | None:
        """The typed category or predefined tag of this name; the name that a browser sends is untrusted."""
        if not isinstance(tag, str):
            return None
        if typed is not None and tag in typed.names:
            return Subject(tag)
        known = tag in self.bench.taggers[0].bank.vocabulary
        return self._predefined(photo, tag, edits) if known else None

    def _predefined(self, photo: Photo | None, tag: str, edits: Edits) -> Subject:
        """A predefined tag with its sentences as they were edited in this photo."""
        edited = edits.find(photo, tag) if photo else None
        return Subject(tag, edited or self.bench.open_tag(tag))

    def _select(self, photo: Photo | None, subject: Subject, typed: Categories | None) -> tuple[Subject, str]:
        categories = subject.predefined or typed
        assert categories is not None
        explanation = self.bench.explain(photo, categories, subject.tag)
        if explanation is not None:
            weights = dict(zip(categories.enabled(subject.tag), explanation.weights.tolist(), strict=False))
            texts = [sentence.text for sentence in categories.sentences[subject.tag]]
            order = sorted(range(len(texts)), key=lambda index: -weights.get(texts[index], 0.0))
            original: Explanation | None = explanation
            if categories.is_edited(subject.tag):
                original = self.bench.explain(photo, self._embed(subject, categories.reset(subject.tag)), subject.tag)
            before = None if original is None else original.score.probability
            subject = replace(subject, before=before, order=tuple(order))
        return self._shown(photo, subject, categories, explanation)

    def _embed(self, subject: Subject, categories: Categories) -> Categories:
        """Embed the sentences for the models that score them; only the main one scores predefined tags."""
        return self.bench.embed(categories, self.bench.taggers[:1] if subject.predefined else None)

    def _shown(
        self, photo: Photo | None, subject: Subject, categories: Categories, explanation: Explanation | None
    ) -> tuple[Subject, str]:
        """The subject with what the panel shows of it, and the panel: with the heat map if that was drawn before."""
        tag, jpeg, bank = subject.tag, photo.jpeg if photo else b"", categories.banks.get(self.bench.taggers[0].name)
        unnamed = self.bench.probability_without(photo, categories, tag, categories.by_name(tag))
        heat = self.maps.kept(photo, bank, tag)
        box = self.maps.box(photo, bank, tag) if photo and bank and heat and subject.boxed else None
        drawing = heat is None and explanation is not None and self.maps.can_draw(photo, bank, tag)
        known = tag, categories, explanation, subject.before, subject.order, jpeg, unnamed
        shown = views.Why(*known, heat, drawing, box)
        return replace(subject, shown=shown), views.why(shown)


def _edited(categories: Categories, tag: str, edit: gr.EventData) -> Categories:
    """Apply an edit; the values that a browser sends are untrusted."""
    index, text = getattr(edit, "index", None), getattr(edit, "text", "")
    if isinstance(text, str) and isinstance(index, int) and not isinstance(index, bool):
        if edit.action == "switch":
            return categories.switch(tag, index)
        if edit.action == "rewrite":
            return categories.rewrite(tag, index, text)
        if edit.action == "add":
            return categories.add(tag, text)
        if edit.action == "reset":
            return categories.reset(tag)
    raise input_error("bad_edit")
