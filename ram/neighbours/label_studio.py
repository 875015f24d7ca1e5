"""The interface of Label Studio's ML backends: predictions for the choices and boxes of a project."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree

from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ram.errors import InputError
from ram.neighbours.chosen_tags import bank_of
from ram.neighbours.requests import Ask
from ram.prediction import TagScore
from ram.regions.finding import find_regions
from ram.tagger import Tagger

_KINDS = {"Choices": ("choices", "Choice"), "RectangleLabels": ("rectanglelabels", "Label")}
"""Tags of a labelling configuration: the type of their results, and the tag of one label."""


@dataclass(frozen=True)
class Control:
    """One control of a labelling configuration, for an image.

    Args:
        name, to: its own name and that of the image.
        kind: "choices" or "rectanglelabels".
        value: name of the task's field with the image's address.
        labels: that annotators choose from.
        single: whether one label is chosen.
    """

    name: str
    to: str
    kind: str
    value: str
    labels: tuple[str, ...]
    single: bool = False


def controls_of(config: str) -> list[Control]:
    """The controls of a labelling configuration that can be predicted.

    Raises:
        InputError: it is no XML, or has no choices and no boxes for an image.
    """
    try:
        root = ElementTree.fromstring(config)
    except ElementTree.ParseError as error:
        raise InputError(f"the labelling configuration is no XML: {error}") from None
    images = {one.get("name"): (one.get("value") or "").lstrip("$") for one in root.iter("Image")}
    found = []
    for tag, (kind, child) in _KINDS.items():
        for one in root.iter(tag):
            to, labels = one.get("toName"), tuple(value for label in one.iter(child) if (value := label.get("value")))
            if to in images and labels:
                single = kind == "choices" and one.get("choice", "single").startswith("single")
                found.append(Control(one.get("name") or "", str(to), kind, images[to], labels, single))
    if not found:
        raise InputError("the labelling configuration has no Choices and no RectangleLabels for an Image")
    return found


class LabelStudioBackend:
    """Predict the tasks of a project.

    Args:
        tagger: scores the labels of the configuration as typed categories; predefined tags keep their thresholds.
        read: opens an image by the address that a task has.
    """

    def __init__(self, tagger: Tagger, read: Callable[[str], Image.Image]) -> None:
        self.tagger = tagger
        self.read = read
        self._bank = lru_cache(maxsize=8)(lambda labels: bank_of(tagger, labels))

    def predict(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The predictions of a request, in the order of its tasks."""
        controls = controls_of(str(body.get("label_config") or ""))
        tasks = [task for task in body.get("tasks") or () if isinstance(task, Mapping)]
        return {"results": [self._predicted(task, controls) for task in tasks], "model_version": self.tagger.name}

    def _predicted(self, task: Mapping[str, Any], controls: Iterable[Control]) -> dict[str, Any]:
        data, results, best = task.get("data") or {}, [], 0.0
        for control in controls:
            image, bank = self.read(str(data.get(control.value) or "")), self._bank(control.labels)
            head = {"from_name": control.name, "to_name": control.to, "type": control.kind}
            scores = self.tagger.score(self.tagger.look(image), bank)
            best = max(best, scores.top(1)[0].probability)
            if control.kind == "choices":
                chosen = scores.top(1) if control.single else scores.above()
                results += _choices(head, chosen)
            else:
                size = {"original_width": image.width, "original_height": image.height, "image_rotation": 0}
                for region in find_regions(self.tagger, image, bank):
                    left, top, right, bottom = (100 * side for side in region.box)
                    box = {"x": left, "y": top, "width": right - left, "height": bottom - top, "rotation": 0}
                    value = {**box, control.kind: [region.tag]}
                    results.append({**head, **size, "value": value, "score": region.probability})
        return {"result": results, "score": best, "model_version": self.tagger.name}


def _choices(head: Mapping[str, Any], scores: Sequence[TagScore]) -> list[dict[str, Any]]:
    if not scores:
        return []
    return [{**head, "value": {"choices": [one.tag for one in scores]}, "score": scores[0].probability}]


def label_studio_routes(backend: LabelStudioBackend, ask: Ask) -> list[Route]:
    """Routes that Label Studio calls: health, setup, predict, and events, which change nothing."""

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "UP", "model_class": "RAM"})

    async def setup(_: Request) -> Response:
        return JSONResponse({"model_version": backend.tagger.name})

    async def predict(request: Request) -> Response:
        return JSONResponse((await ask(request, backend.predict))[1])

    async def webhook(_: Request) -> Response:
        return JSONResponse({}, status_code=201)

    return [
        Route("/health", health),
        Route("/setup", setup, methods=["POST"]),
        Route("/predict", predict, methods=["POST"]),
        Route("/webhook", webhook, methods=["POST"]),
    ]
