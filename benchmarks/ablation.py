"""The paper's ablations at lite scale: each row changes one or two fields of a recipe.

    python -m benchmarks.ablation --data DATA --output runs/ablation [--rows f e ...] [--seeds 0 1 2] [--results FOLDER]
    python -m benchmarks.ablation --data DATA --output runs/ablation --rows f "paraphrase text" --seeds 0 1 2 \
        --results benchmarks/results --name text_encoders

``DATA`` is the folder of "Training" in the README, with ``flickr8k/benchmarks`` in it. Rows that are done are kept in
``results.jsonl``, so a stopped run goes on; the tables are printed at the end, as Markdown. ``--results`` writes the
file that ``python -m benchmarks.tables`` reads, with the figure of every seed of these rows in ``results.jsonl``.
Table 13 has a file of its own, so that its rows are of one run whatever was measured for the others.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

import ram
from benchmarks.lite.sets import LiteSet, load_set
from benchmarks.tables.result_files import read_results, write_results
from ram.cli.terminal import Progress, say
from ram.describers.fallback import describe_tags
from ram.describers.loading import load_describer
from ram.describers.template import TemplateDescriber
from ram.evaluation.metrics import mean_average_precision
from ram.evaluation.tag_banks import mean_bank
from ram.models.config import EnsembleConfig
from ram.models.lite.ensemble import Ensemble
from ram.models.lite.model import total
from ram.models.text_encoder import TEXT_ENCODERS
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import TagDescriptions
from ram.training.data.views import PatchSource, cached_patches
from ram.training.loop import train
from ram.training.recipe import Recipe

RECIPE = Path(ram.__file__).parent / "training" / "recipes" / "ablation.toml"
COMMAND = "python -m benchmarks.ablation --data DATA --output runs/ablation"
ABOUT = (
    "mAP in percent of the decoder unless the table says otherwise: 155 common and 79 uncommon tags on the test "
    "photos of Flickr8k, 76 classes on coco128; recipe ablation.toml, two passes over 17,181 photos."
)
TEMPLATE = {"data.descriptions": "template", "model.max_descriptions": "1"}
NO_CAPTIONS = {"objectives.alignment": "", "objectives.contrastive": ""}
SIX_LAYERS = {"model.decoder.layers": "6"}


def taught(by: str) -> dict[str, str]:
    """Use distillation from a teacher instead of the contrastive loss with captions."""
    return {"objectives.contrastive": "", "objectives.distillation": "100.0", "teacher": by}


RUNS: Mapping[str, Mapping[str, str]] = {
    "a": {"objectives.tagging": ""},
    "b": {**TEMPLATE, **NO_CAPTIONS},
    "c": TEMPLATE,
    "e": {"model.reweight": "false", "model.center_descriptions": "false"},
    "f": {},
    "text bce": {"losses.alignment": "bce"},
    "text ce": {"losses.alignment": "ce"},
    "text hill": {"losses.alignment": "hill"},
    "tag hill": {"losses.tagging": "hill"},
    "tag splc": {"losses.tagging": "splc"},
    "6 layers": SIX_LAYERS,
    "no contrast": {"objectives.contrastive": ""},
    "teacher classifier": taught("classifier"),
    "teacher captions": taught("captions"),
    "generated tags": {"generated.dense_sure": "0.5", "generated.dense_agreed": "0.2"},
    "no class words": {"model.image.classes": "0"},
    "shared head": {"model.decoder.matching": "false"},
    "paraphrase text": {"model.text_encoder": "paraphrase-minilm-l3"},
}
"""Run name to the recipe fields that it changes."""

TABLES: Mapping[str, Iterable[tuple[str, str, str]]] = {
    "Table 3: supervision": (
        ("(a) captions; one template", "a", "template"),
        ("(b) tags; one template", "b", "template"),
        ("(c) captions and tags; one template", "c", "template"),
        ("(d) as (c), asked by descriptions", "c", "mean"),
        ("(e) captions and descriptions, plain mean", "e", "mean"),
        ("(f) captions and descriptions, re-weighted", "f", "reweight"),
    ),
    "Table 4: image features": (
        ("global: pooled token, cosine", "f", "pooled"),
        ("spatial: decoder", "f", "reweight"),
        ("both added", "f", "pooled + decoder"),
    ),
    "Table 5: several descriptions": (
        ("basic (prompt templates), ensemble", "f", "basic mean"),
        ("basic (prompt templates), re-weighted", "f", "basic"),
        ("specific (visual descriptions), ensemble", "f", "mean"),
        ("specific (visual descriptions), re-weighted", "f", "reweight"),
    ),
    "Table 11: loss of captions": (
        ("BCE", "text bce", "reweight"),
        ("CE", "text ce", "reweight"),
        ("Hill", "text hill", "reweight"),
        ("ASL", "f", "reweight"),
    ),
    "Table 12: loss of tags": (
        ("Hill", "tag hill", "reweight"),
        ("SPLC", "tag splc", "reweight"),
        ("ASL", "f", "reweight"),
    ),
    "Table 13: text encoders": (
        ("MiniLM-L6", "f", "reweight"),
        ("paraphrase-MiniLM-L3", "paraphrase text", "reweight"),
    ),
    "Table 15: decoder depth": (("2", "f", "reweight"), ("6", "6 layers", "reweight")),
    "Teachers of the pooled token": (
        ("none", "no contrast", "reweight"),
        ("classifier, distilled (L1)", "teacher classifier", "reweight"),
        ("mean of the picture's captions, distilled (L1)", "teacher captions", "reweight"),
        ("captions, by contrast", "f", "reweight"),
    ),
    "Parts of the lite models": (
        ("all", "f", "reweight"),
        ("without class words in the tokens", "no class words", "reweight"),
        ("the published shared head", "shared head", "reweight"),
        ("with generated tags", "generated tags", "reweight"),
    ),
}
"""Table to rows: label, run, and kind of tag bank."""

SETS = ("common", "uncommon", "coco128")
"""Names of :mod:`benchmarks.lite.sets`, and of the figures in result files."""


@dataclass(frozen=True, eq=False)
class Measure:
    """The benchmarks by name, the frozen backbone's patch tokens by name of the images, and the tags' descriptions."""

    sets: Mapping[str, LiteSet]
    patches: Mapping[str, PatchSource]
    descriptions: TagDescriptions

    @classmethod
    def open(cls, data: Path, cache: Path, tagger: Tagger, progress: Progress) -> Measure:
        """Read the benchmarks; patch tokens are computed once and cached."""
        sets = {name: load_set(name, data) for name in SETS}
        patches = {
            photos: cached_patches(
                cache / f"test-{photos}.npy",
                pictures,
                tagger.config.image,
                tagger.model.image_encoder,
                1,
                partial(progress, f"looking at {photos}"),
            )
            for photos, pictures in {one.photos: one.benchmark.pictures for one in sets.values()}.items()
        }
        return cls(sets, patches, TagDescriptions.load(data / "labels" / "descriptions.json"))

    @torch.inference_mode()
    def __call__(self, tagger: Tagger, asked: str) -> dict[str, float]:
        """Return the mAP of each benchmark in percent."""
        found = {}
        for name, one in self.sets.items():
            benchmark, patches = one.benchmark, self.patches[one.photos]
            bank, parts = ask(tagger, benchmark.tags, asked, self.descriptions).embedded, []
            ensemble = Ensemble(EnsembleConfig(pooled_weight=8.0))
            for ids in torch.arange(len(benchmark.pictures)).split(50):
                features = patches.look_plainly(tagger.model.image_encoder, ids)
                scores = torch.zeros(len(ids), bank.tags)
                if asked != "pooled":
                    scores = scores + tagger.score_batch(features, bank).logits
                if "pooled" in asked:
                    scores = total(ensemble(scores, features, ensemble.prepare(bank, None)))
                parts.append(scores)
            found[name] = 100 * mean_average_precision(torch.cat(parts).numpy(), benchmark.targets)
        return found


def ask(tagger: Tagger, tags: Iterable[str], asked: str, ours: TagDescriptions) -> TagEmbeddingBank:
    """Build a bank: one template per tag, several templates, or descriptions: those of training, else the lexicon's."""
    template = TemplateDescriber()
    if asked.startswith("basic"):
        said = TagDescriptions({tag: tuple(template.describe(tag)) for tag in tags})
    elif asked == "template":
        said = TagDescriptions({tag: (next(template.describe(tag)),) for tag in tags})
    else:
        lexicon = load_describer("lexicon", environ={})
        unknown = [tag for tag in tags if tag not in ours]
        described, _ = describe_tags(lexicon, lexicon, unknown) if unknown else (TagDescriptions({}), ())
        said = TagDescriptions({tag: ours[tag] if tag in ours else described[tag] for tag in tags})
    bank = TagEmbeddingBank.build(said, tagger.text_encoder)
    return mean_bank(bank) if asked.endswith("mean") else bank


def share_checks(output: Path, folder: Path) -> None:
    """Let a run know which pictures can be decoded, as an earlier run found: all runs read the same ones."""
    folder.mkdir(exist_ok=True)
    for checked in output.glob("*/checked-*.json"):
        if not (folder / checked.name).is_file():
            shutil.copyfile(checked, folder / checked.name)


def by_row(done: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, list[float]]]:
    """Figures of "RUN, ASKED" with one value a seed, as a result file has them."""
    rows: dict[str, dict[str, list[float]]] = {}
    for record in sorted(done, key=lambda record: record["seed"]):
        figures = rows.setdefault(f"{record['run']}, {record['asked']}", {name: [] for name in SETS})
        for name in SETS:
            figures[name].append(record[name])
    return rows


def command_of(done: Sequence[Mapping[str, Any]]) -> str:
    """The command that makes these records: its seeds, and its rows where some are not there."""
    seeds = sorted({record["seed"] for record in done})
    runs = [run for run in RUNS if any(record["run"] == run for record in done)]
    rows = "" if len(runs) == len(RUNS) else f" --rows {' '.join(map(shlex.quote, runs))}"
    return f"{COMMAND} --seeds {' '.join(map(str, seeds))}{rows}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--rows", nargs="+", choices=RUNS, default=list(RUNS), metavar="ROW")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--results", type=Path, metavar="FOLDER", help="write NAME.json there")
    parser.add_argument("--name", default="ablation", help="of that file (default: ablation)")
    args = parser.parse_args()
    if "paraphrase text" in args.rows:
        from benchmarks.paraphrase_text import ParaphraseTextEncoder  # it needs onnx

        TEXT_ENCODERS[ParaphraseTextEncoder.name] = ParaphraseTextEncoder
    args.output.mkdir(parents=True, exist_ok=True)
    results = args.output / "results.jsonl"
    done = [json.loads(line) for line in results.read_text().splitlines()] if results.is_file() else []
    measure = None
    with Progress() as progress:
        for seed in args.seeds:
            for run in args.rows:
                asked = {how for rows in TABLES.values() for _, of, how in rows if of == run}
                asked -= {r["asked"] for r in done if (r["run"], r["seed"]) == (run, seed)}
                if not asked:
                    continue
                recipe = Recipe.load(RECIPE, {**RUNS[run], "schedule.seed": str(seed)})
                folder = args.output / f"{run.replace(' ', '-')}-{seed}"
                cache = args.output / "cache"
                share_checks(args.output, folder)
                train(recipe, args.data, folder, cache=cache, resume=True, progress=progress)
                tagger = ram.load(folder / "model")
                measure = measure or Measure.open(args.data, cache, tagger, progress)
                for how in sorted(asked):
                    record = {"run": run, "seed": seed, "asked": how, **measure(tagger, how)}
                    done.append(record)
                    with open(results, "a", encoding="utf-8") as file:
                        file.write(json.dumps(record) + "\n")
    if args.results is not None:
        asked_for = [record for record in done if record["run"] in args.rows]
        rows, before = by_row(asked_for), read_results(args.name, args.results)
        if before is not None and (lost := [row for row in before.rows if row not in rows]):
            say(f"rows of the former {args.name}.json that this run has not measured are left out: {'; '.join(lost)}")
        print(write_results(args.name, command_of(asked_for), ABOUT, rows, args.results))
    for title, labelled in TABLES.items():
        print(f"\n**{title}**\n\n| | {' | '.join(SETS)} |\n|---|{'---|' * len(SETS)}")
        for label, run, how in labelled:
            cells = []
            for name in SETS:
                values = [r[name] for r in done if (r["run"], r["asked"]) == (run, how)]
                spread = f" ± {stdev(values):.1f}" if len(values) > 1 else ""
                cells.append(f"{mean(values):.1f}{spread}" if values else "")
            print(f"| {label} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
