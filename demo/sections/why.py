"""The panel that says why a tag was scored as it was, and lets its sentences be edited."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from demo.core.actions import Workbench, explain
from demo.core.categories import Categories
from demo.core.photos import Photo, Tagged
from demo.sections.parts import IN_TURN, OWN, Update, html
from demo.views import markup, why_markup
from ram.errors import InputError
from ram.prediction import Explanation

EDIT = """
const unsent = new Map();
const fields = () => [...element.querySelectorAll('[data-key]')];
const grow = box => { box.style.height = 'auto'; box.style.height = `${box.scrollHeight}px`; };
const say = (what, place, text) => {
  unsent.delete(text === undefined ? '' : place < 0 ? 'add' : `text-${place}`);
  trigger('click', {what, place, text: text ?? ''});
};
const changed = box => box.value !== box.defaultValue;
element.addEventListener('input', event => {
  const box = event.target;
  if (box.type !== 'checkbox' && box.dataset.key) unsent.set(box.dataset.key, box.value);
  if (box.tagName === 'TEXTAREA') grow(box);
});
element.addEventListener('change', event => {
  const box = event.target, place = Number(box.dataset.place);
  if (box.type === 'checkbox') say('switch', place);
  else if (box.tagName === 'TEXTAREA' && changed(box)) say('rewrite', place, box.value);
});
element.addEventListener('keydown', event => {
  const box = event.target;
  if (box.tagName !== 'TEXTAREA') return;
  if (event.key === 'Enter') {
    event.preventDefault();
    if (changed(box)) say('rewrite', Number(box.dataset.place), box.value);
  }
  if (event.key === 'Escape') { box.value = box.defaultValue; unsent.delete(box.dataset.key); grow(box); }
});
element.addEventListener('submit', event => {
  event.preventDefault();
  say('add', -1, element.querySelector('[data-key=add]').value);
});
let tag = '';
const settle = () => {
  const now = element.querySelector('.why')?.dataset.tag ?? '';
  if (now !== tag) unsent.clear();
  tag = now;
  for (const box of fields()) {
    if (unsent.has(box.dataset.key)) box.value = unsent.get(box.dataset.key);
    if (box.tagName === 'TEXTAREA') grow(box);
  }
};
watch('value', () => requestAnimationFrame(settle));
new ResizeObserver(() => element.querySelectorAll('textarea').forEach(grow)).observe(element);
requestAnimationFrame(settle);
"""


@dataclass(frozen=True)
class Subject:
    """The tag that the panel is about.

    Args:
        tag: its name.
        own: its sentences where it is a predefined one; None for a typed category, whose sentences are elsewhere.
        before: its probability when it was selected.
        order: places of its sentences, heaviest first when it was selected; edits do not make them jump.
    """

    tag: str
    own: Categories | None = None
    before: float | None = None
    order: tuple[int, ...] = ()


class WhyPanel:
    """The component and its state; other sections call :meth:`predefined`, :meth:`typed` and :meth:`show`."""

    def __init__(self, bench: Workbench, typed: gr.State, first: Tagged | None) -> None:
        self.bench = bench
        self.typed_state = typed
        subject, shown = None, why_markup.nothing()
        if first is not None and (top := first.prediction.top(1)):
            subject, shown = self._select(first.photo, Subject(top[0].tag, bench.open(top[0].tag)), None)
        self.subject = gr.State(subject)
        self.panel = html(shown, "why", EDIT)
        self.notice = html("", "why-notice")
        self.outputs = [self.subject, self.panel, self.notice]

    def wire(self, looked: gr.State) -> Any:
        """An edit changes the typed categories too where it is one of them; gives the event to go on from."""
        return self.panel.click(
            self.on_edit, [looked, self.typed_state, self.subject], [*self.outputs, self.typed_state],
            show_progress="hidden", **IN_TURN, **OWN,
        )  # fmt: skip

    def top_of(self, tagged: Tagged) -> Update:
        """The most probable tag of a new photo."""
        best = tagged.prediction.top(1)
        return self.predefined(tagged.photo, best[0].tag) if best else self.empty()

    def predefined(self, photo: Photo | None, tag: str) -> Update:
        """Open one of the model's own tags."""
        subject, shown = self._select(photo, Subject(tag, self.bench.open(tag)), None)
        return {self.subject: subject, self.panel: shown, self.notice: ""}

    def typed(self, photo: Photo | None, typed: Categories, tag: str) -> Update:
        """Open a category that was typed."""
        subject, shown = self._select(photo, Subject(tag), typed)
        return {self.subject: subject, self.panel: shown, self.notice: ""}

    def empty(self) -> Update:
        """Nothing is selected."""
        return {self.subject: None, self.panel: why_markup.nothing(), self.notice: ""}

    def on_edit(
        self, photo: Photo | None, typed: Categories | None, subject: Subject | None, said: gr.EventData
    ) -> Update:
        """One change of one sentence, embedded if it is new, and scored; no describer and no image encoder runs."""
        if subject is None or (held := subject.own or typed) is None or not hasattr(said, "what"):
            return {self.notice: ""}
        try:
            scored_by = self.bench.taggers if subject.own is None else self.bench.taggers[:1]
            changed = self.bench.embed(_edited(held, subject.tag, said), scored_by)
            if subject.own is not None:
                subject = replace(subject, own=changed)
            told = _shown(photo, subject, changed, self.bench.why(photo, changed, subject.tag))
            update: Update = {self.subject: subject, self.panel: told, self.notice: ""}
            return update if subject.own is not None else {**update, self.typed_state: changed}
        except Exception as error:
            return {self.notice: markup.notice([explain(error)])}

    def _select(self, photo: Photo | None, subject: Subject, typed: Categories | None) -> tuple[Subject, str]:
        held = subject.own or typed
        assert held is not None
        explanation = self.bench.why(photo, held, subject.tag)
        if explanation is not None:
            weights = dict(zip(held.used(subject.tag), explanation.weights.tolist(), strict=False))
            told = [sentence.text for sentence in held.sentences[subject.tag]]
            order = sorted(range(len(told)), key=lambda place: -weights.get(told[place], 0.0))
            subject = replace(subject, before=explanation.score.probability, order=tuple(order))
        return subject, _shown(photo, subject, held, explanation)


def _shown(photo: Photo | None, subject: Subject, held: Categories, explanation: Explanation | None) -> str:
    picture = photo.shown if photo else b""
    return why_markup.why(why_markup.Why(subject.tag, held, explanation, subject.before, subject.order, picture))


def _edited(held: Categories, tag: str, said: gr.EventData) -> Categories:
    """What a browser sends may be anything."""
    what, place, text = said.what, getattr(said, "place", None), getattr(said, "text", "")
    if not isinstance(text, str) or isinstance(place, bool) or not isinstance(place, int):
        raise InputError("this edit cannot be read: try again")
    if what == "switch":
        return held.switch(tag, place)
    if what == "rewrite":
        return held.rewrite(tag, place, text)
    if what == "add":
        return held.add(tag, text)
    raise InputError("this edit cannot be read: try again")
