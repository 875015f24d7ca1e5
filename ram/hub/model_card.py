"""Model card: the README.md of a model folder, with a YAML head of measured numbers.

Sizes, operations and thresholds are measured on the model; scores, data and licence come from ``report.json`` of its
folder. ``ram card`` writes both.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from ram.errors import InputError
from ram.models.config import ModelConfig, read_fields
from ram.runtime import atomic_write
from ram.text.files import package_file, read_json, write_json

if TYPE_CHECKING:
    from ram.tagger import Tagger

REPORT, CARD = "report.json", "README.md"
METRICS = {
    "mAP": ("mean_average_precision", "mAP"),
    "OP": ("precision", "precision of all decisions"),
    "OR": ("recall", "recall of all decisions"),
    "OF1": ("f1", "F1 of all decisions"),
    "CP": ("precision", "precision, mean over tags"),
    "CR": ("recall", "recall, mean over tags"),
    "CF1": ("f1", "F1 of the means over tags"),
}
"""Keys of a measurement, with the type of the metric on the hub and its name."""


@dataclass(frozen=True)
class Measurement:
    """Scores on a data set, as ``ram evaluate --json`` prints them.

    Args:
        dataset: its name.
        metrics: fractions by the keys of :data:`METRICS`; those that were not measured are absent.
        pictures: how many.
    """

    dataset: str
    metrics: Mapping[str, float]
    pictures: int | None = None

    def __post_init__(self) -> None:
        for name, value in self.metrics.items():
            if name not in METRICS or not 0 <= value <= 1:
                raise InputError(f"{name} of {self.dataset!r} is {value}: give fractions for {', '.join(METRICS)}")

    @classmethod
    def of_evaluation(cls, printed: Mapping[str, Any], dataset: str = "") -> Measurement:
        """Read the document that ``ram evaluate --json`` prints."""
        metrics = {name: round(printed[name], 4) for name in METRICS if isinstance(printed.get(name), (int, float))}
        if not metrics:
            raise InputError("no mAP is in this file: give one that `ram evaluate --json` printed")
        return cls(dataset or str(printed.get("dataset", "")), metrics, printed.get("pictures"))


@dataclass(frozen=True)
class ModelReport:
    """Licence, training data, base model and measurements of a model: the content of ``report.json``.

    Args:
        license: its identifier on the hub, such as "apache-2.0"; empty where it is not known.
        data: the training data, in a sentence or two.
        base_model: hub name of the model that it was made from.
        results: measurements.
    """

    license: str = ""
    data: str = ""
    base_model: str = ""
    results: tuple[Measurement, ...] = field(default=())

    @classmethod
    def load(cls, folder: Path) -> ModelReport:
        """The report of a model folder, an empty one where it has none.

        Raises:
            InputError: the file is broken.
        """
        file = folder / REPORT
        return read_fields(cls, read_json(file), REPORT) if file.is_file() else cls()

    def save(self, folder: Path) -> None:
        """Write ``report.json``."""
        write_json(folder / REPORT, asdict(self), indent=1)


def write_card(folder: Path, tagger: Tagger, report: ModelReport) -> None:
    """Write the report and the card of a model folder; the text of a card that is there stays, under a new head."""
    head = card_head(tagger, report, _bytes_of(folder))
    card = folder / CARD
    text = _without_head(card.read_text(encoding="utf-8")) if card.is_file() else card_text(tagger.config, head, report)
    report.save(folder)
    with atomic_write(card) as temporary:
        temporary.write_text(f"---\n{_yaml(head)}\n---\n\n{text.lstrip()}", encoding="utf-8")


def card_head(tagger: Tagger, report: ModelReport, size: int) -> dict[str, Any]:
    """Metadata of the card, as the hub reads it.

    Args:
        tagger: the model; one look and one scoring are counted on it.
        report: of the model.
        size: bytes of its files.
    """
    from huggingface_hub import EvalResult, ModelCardData

    config, thresholds = tagger.config, tagger.bank.vocabulary.thresholds
    results = [
        EvalResult(
            task_type="image-classification",
            task_name="Image tagging",
            dataset_type=re.sub(r"[^a-z0-9]+", "-", one.dataset.lower()).strip("-"),
            dataset_name=one.dataset,
            metric_type=METRICS[name][0],
            metric_name=METRICS[name][1],
            metric_value=value,
        )
        for one in report.results
        for name, value in one.metrics.items()
    ]
    kind = config.kind.lower().replace("++", "-plus")
    head: dict[str, Any] = ModelCardData(
        license=report.license or None,
        base_model=report.base_model or None,
        language="en",
        library_name="ram",
        pipeline_tag="image-classification" if config.learned else "zero-shot-image-classification",
        tags=["image-tagging", "open-vocabulary", "recognize-anything", kind],
        model_name=config.name,
        eval_results=results or None,
    ).to_dict()
    head["measured"] = {
        "parameters": sum(weight.numel() for weight in tagger.model.state_dict().values()),
        "flops": _operations(tagger),
        "bytes": size,
        "tags": len(thresholds),
        "thresholds": {
            "lowest": min(thresholds), "median": round(statistics.median(thresholds), 4), "highest": max(thresholds)
        },
    }  # fmt: skip
    return head


def card_text(config: ModelConfig, head: Mapping[str, Any], report: ModelReport) -> str:
    """The text below the head, in Markdown."""
    measured = head["measured"]
    limits = measured["thresholds"]
    keys = [name for name in METRICS if any(name in one.metrics for one in report.results)]
    rows = [
        f"| {one.dataset} | {' | '.join(f'{100 * one.metrics[k]:.1f}' if k in one.metrics else '-' for k in keys)} |"
        for one in report.results
    ]
    table = [f"| data | {' | '.join(keys)} |", "|---" * (len(keys) + 1) + "|", *rows]
    return package_file("hub/card.md").read_text(encoding="utf-8").format(
        name=config.name,
        kind=config.kind,
        backbone=config.image.backbone,
        side=config.image.size,
        text_encoder="none: its tags were learned one by one" if config.learned else config.text_encoder,
        parameters=f"{measured['parameters'] / 1e6:.1f}",
        flops=f"{measured['flops'] / 1e9:.1f}",
        size=f"{measured['bytes'] / 1e6:.1f}",
        tags=measured["tags"],
        thresholds=f"{limits['lowest']} to {limits['highest']}, median {limits['median']}",
        license=report.license or "not stated",
        data=report.data or "Not stated.",
        results="\n".join(table) if rows else "Not measured.",
    )


def _operations(tagger: Tagger) -> int:
    """Floating-point operations of one photo with all predefined tags: two per multiplication, as PyTorch counts."""
    side = tagger.config.image.size
    with FlopCounterMode(display=False) as counter:
        features = tagger.look_at_pixels(torch.zeros(1, 3, side, side))
        tagger.score_batch(features, tagger.bank)
    return counter.get_total_flops()


def _bytes_of(folder: Path) -> int:
    files = (file for file in folder.iterdir() if file.name not in (CARD, REPORT))
    return sum(file.stat().st_size for file in files if file.is_file())


def _without_head(text: str) -> str:
    return text.split("\n---\n", 1)[1] if text.startswith("---\n") and "\n---\n" in text else text


def _yaml(head: Mapping[str, Any]) -> str:
    from huggingface_hub.utils import yaml_dump

    return yaml_dump(json.loads(json.dumps(head)), sort_keys=False).rstrip("\n")
