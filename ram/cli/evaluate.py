"""``ram evaluate``: measure a model on annotated pictures."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ram.cli.evaluated_baselines import add_baseline_options, evaluate_by_baseline, refuse_baseline_flags
from ram.cli.evaluated_data import (
    add_benchmark_options,
    list_benchmarks,
    published,
    read_captioned,
    read_tagged,
)
from ram.cli.options import (
    BEAMS,
    add_beams_option,
    add_describer_options,
    add_device_options,
    add_json_option,
    add_model_option,
    add_reranking_option,
    check_writable,
    describe_all,
    open_tagger,
)
from ram.cli.terminal import Progress, print_json, print_table, printable, say
from ram.errors import InputError
from ram.evaluation.caption_metrics import TOKENIZERS, check_metrics
from ram.text.descriptions import TagDescriptions
from ram.text.files import write_table

if TYPE_CHECKING:
    from ram.tagger import Tagger
    from ram.text.bank import TagEmbeddingBank


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="measure a model on annotated pictures",
        description="Measure a model on annotated pictures: mean average precision over the tags, precision "
        "and recall at the thresholds, all between 0 and 1. A tag of the model's vocabulary is scored by the "
        "model's own descriptions and threshold. With --retrieval, measure how well captions find their pictures "
        "and pictures their captions: the share whose match is among the first 1, 5 and 10. With --captions, write a "
        "caption of each picture and compare it with the given ones: BLEU, METEOR, ROUGE-L and CIDEr.",
        epilog="example: ram evaluate --benchmark coco-80 --root COCO --open-set",
    )
    parser.add_argument(
        "dataset",
        nargs="?",
        type=Path,
        metavar="DATASET",
        help='JSON [{"image": "1.jpg", "tags": ["dog", ...]}, ...], triplets of `ram parse` in the ids of the model, '
        "or a folder with *_taglist.txt, *_annots.txt and imgs/; "
        'for --retrieval and --captions JSON [{"image": "1.jpg", "captions": ["...", ...]}, ...]',
    )
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="where the pictures are")
    add_benchmark_options(parser)
    add_model_option(parser)
    add_baseline_options(parser)
    parser.add_argument(
        "--open-set", action="store_true", help="describe the tags that are not in the model's vocabulary"
    )
    add_describer_options(parser)
    parser.add_argument(
        "--descriptions",
        type=Path,
        metavar="FILE",
        help='score the tags of this file by its sentences, JSON [{"corgi": ["...", ...]}, ...]',
    )
    parser.add_argument(
        "--ensemble",
        action="store_true",
        help="use the plain mean of each tag's descriptions instead of re-weighting them for the picture",
    )
    parser.add_argument(
        "--tune",
        metavar="GOAL",
        help="also measure at one threshold for all tags, chosen on these pictures to compare models as the papers do: "
        "f1, or precision=0.8",
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--retrieval", action="store_true", help="measure retrieval instead of tagging")
    instead.add_argument("--captions", action="store_true", help="measure captions instead of tagging")
    parser.add_argument(
        "--split",
        nargs=2,
        metavar=("FILE", "NAME"),
        help='only the pictures listed under a name in JSON {"test": ["1.jpg", ...], ...}; for --retrieval and '
        "--captions",
    )
    parser.add_argument(
        "--by",
        choices=("decoder", "pooled", "decoder+pooled", "decoder+tags", "decoder+pooled+tags"),
        help="score captions by the decoder, the pooled token, both (default), and the tags that they name; for "
        "--retrieval",
    )
    add_beams_option(parser, "; for --captions")
    add_reranking_option(parser, "none; for --captions")
    parser.add_argument(
        "--tokenizer",
        choices=tuple(TOKENIZERS),
        help="ptb needs Java and is that of published results, words is plain (ptb where there is Java, else words); "
        "for --captions",
    )
    add_json_option(parser)
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the figures of each tag, .csv")
    add_device_options(parser)
    parser.set_defaults(run=run)


_FLAGS = {
    "tagging": ("open_set", "descriptions", "ensemble", "csv", "tune", "baseline"),
    "retrieval": ("split", "by"),
    "captions": ("split", "beams", "tokenizer", "rerank_by"),
}
"""Flags of each measurement that another one may not have."""


def run(args: argparse.Namespace) -> int:
    """Measure tagging, retrieval or captions; flags of the others are refused."""
    if args.list_benchmarks:
        return list_benchmarks(args.json)
    entry = published(args)
    if entry is not None and entry.classes is None and not args.captions:
        args.retrieval = True  # its only other use
    chosen = "retrieval" if args.retrieval else "captions" if args.captions else "tagging"
    for name in dict.fromkeys(name for names in _FLAGS.values() for name in names):
        if name not in _FLAGS[chosen] and getattr(args, name):
            owners = " or ".join(f"--{kind}" for kind, names in _FLAGS.items() if name in names)
            other = f"with --{chosen}" if chosen != "tagging" else f"without {owners}"
            raise InputError(f"--{name.replace('_', '-')} does not go {other}: leave it out")
    return {"retrieval": _retrieval, "captions": _captions, "tagging": _tagging}[chosen](args)


def _captions(args: argparse.Namespace) -> int:
    from ram.evaluation.captioning import evaluate_captions

    check_metrics(args.tokenizer)
    captioned = read_captioned(args)
    tagger, beams = open_tagger(args, args.model), args.beams or BEAMS
    judge = None if args.rerank_by in (None, "none") else open_tagger(args, args.rerank_by)
    with Progress() as progress:
        written = evaluate_captions(tagger, captioned, beams, args.tokenizer, progress, judge)
    report = {
        "dataset": captioned.name,
        "model": tagger.name,
        "beams": beams,
        **({} if judge is None else {"reranked_by": judge.name}),
        "pictures": len(captioned.pictures),
        "captions": len(captioned.texts),
        "seconds": round(written.seconds, 1),
        **written.to_dict(),
    }
    if args.json:
        print_json(report)
        return 0
    print(
        f"{printable(captioned.name)}: {report['pictures']} pictures, {report['captions']} captions, "
        f"{printable(tagger.name)} with {beams} beams, {report['seconds_per_photo']:.2f} s a picture"
    )
    print(f"  tokens: {report['tokenizer']}; times 100")
    names = ("BLEU1", "BLEU2", "BLEU3", "BLEU4", "METEOR", "ROUGE_L", "CIDEr", "SPICE")
    print_table([(name, "-" if report[name] is None else f"{100 * report[name]:.1f}") for name in names])
    return 0


def _retrieval(args: argparse.Namespace) -> int:
    from ram.evaluation.retrieval import USUAL, compare

    captioned = read_captioned(args)
    tagger = open_tagger(args, args.model)
    by, started = args.by or USUAL, time.monotonic()
    with Progress() as progress:
        found = compare(tagger, captioned, by, progress)
    recalls = found.recalls(captioned.owners)
    report = {
        "dataset": captioned.name,
        "model": tagger.name,
        "by": by,
        "pictures": len(captioned.pictures),
        "captions": len(captioned.texts),
        "seconds": round(time.monotonic() - started, 1),
        "seconds_per_query": found.seconds_per_query,
        **recalls,
    }
    if args.json:
        print_json(report)
    else:
        print(
            f"{printable(captioned.name)}: {report['captions']} captions, {report['pictures']} pictures in "
            f"{report['seconds']:.0f} s, {printable(tagger.name)} by {by}, "
            f"{1000 * found.seconds_per_query:.2f} ms a caption"
        )
        shares = list(recalls["text_to_picture"])
        rows = [[name.replace("_", " "), *(f"{recall[k]:.3f}" for k in shares)] for name, recall in recalls.items()]
        print_table([["", *shares], *rows])
    return 0


def _tagging(args: argparse.Namespace) -> int:
    if args.csv is not None:
        check_writable(args.csv, (".csv",))
    from ram.evaluation.calibration import goal_precision

    if args.tune is not None:
        goal_precision(args.tune)
    if args.baseline is None:
        refuse_baseline_flags(args)
    report = _evaluate_model(args) if args.baseline is None else evaluate_by_baseline(args)
    if args.csv is not None:
        _write_csv(args.csv, report["per_tag"])
    if args.json:
        print_json(report)
    else:
        _print(report)
    return 0


def _evaluate_model(args: argparse.Namespace) -> dict[str, Any]:
    from ram.evaluation.tag_banks import mean_bank
    from ram.evaluation.tagging import evaluate_tagger

    tagger = open_tagger(args, args.model)
    benchmark = read_tagged(args, tagger.bank.vocabulary)
    bank, describers = _bank(tagger, benchmark.tags, args)
    started = time.monotonic()
    with Progress() as progress:
        bank = mean_bank(bank) if args.ensemble else bank
        measured = evaluate_tagger(tagger, benchmark, bank, progress, args.tune)
    return {
        "dataset": benchmark.name,
        "model": tagger.name,
        "describer": describers,
        "seconds": round(time.monotonic() - started, 1),
        **measured.to_dict(),
    }


def _bank(tagger: Tagger, tags: Sequence[str], args: argparse.Namespace) -> tuple[TagEmbeddingBank, str | None]:
    """Everything to score, and who described what the model does not bring along."""
    from ram.evaluation.tag_banks import bank_for, names_in

    given = TagDescriptions({}) if args.descriptions is None else TagDescriptions.load(args.descriptions)
    used = [name for name in dict.fromkeys(names_in(given.tags, tags)) if name is not None]
    described, describers = given.select(used), [args.descriptions.name] if used else []
    found = names_in((*tagger.bank.vocabulary.tags, *used), tags)
    if new := list(dict.fromkeys(tag for tag, name in zip(tags, found, strict=True) if name is None)):
        if not args.open_set:
            raise InputError(
                f"{len(new)} of {len(set(tags))} tags are not in the vocabulary of {tagger.name}, such as "
                f'"{new[0]}": --open-set describes them'
            )
        tagger.text_encoder  # noqa: B018  (fails here, before any description is paid for, if the model reads no texts)
        described = described.join(describe_all(args, new))
        describers.append(args.describer)
    return bank_for(tagger, tags, described), " and ".join(describers) or None


def _write_csv(path: Path, per_tag: Sequence[dict[str, Any]]) -> None:
    write_table(path, list(per_tag[0]), (row.values() for row in per_tag))
    say(f"the figures of each tag are in {printable(str(path))}")


def _print(report: dict[str, Any]) -> None:
    print(
        f"{printable(report['dataset'])}: {report['pictures']} pictures in {report['seconds']:.0f} s, "
        f"{printable(report['model'])}"
    )
    tags = f"tags: {report['predefined_tags']} predefined, {report['described_tags']} described"
    if report["describer"]:
        tags += f"; sentences by {printable(report['describer'])}"
    if report["tags_without_positive"]:
        tags += f"; {report['tags_without_positive']} without a positive are left out of the means"
    print(f"  {tags}")
    meanings = {
        "mAP": "mean average precision",
        "mAP_predefined": "of the predefined tags",
        "mAP_described": "of the described tags",
        "CP": "precision, mean over the tags",
        "CR": "recall, mean over the tags",
        "CF1": "their harmonic mean",
        "OP": "precision of all decisions",
        "OR": "recall of all decisions",
        "OF1": "their harmonic mean",
    }
    if not (report["predefined_tags"] and report["described_tags"]):  # the same as the mAP of all
        del meanings["mAP_predefined"], meanings["mAP_described"]
    figures = {name: "-" if report[name] is None else f"{report[name]:.3f}" for name in meanings}
    print_table([(name, figures[name], meaning) for name, meaning in meanings.items()])
    if tuned := report.get("tuned"):
        reached = ", ".join(f"{name} {tuned[name]:.3f}" for name in ("CP", "CR", "CF1"))
        print(f"  at the threshold {tuned['threshold']:.4g} for all tags, tuned for {tuned['goal']}: {reached}")
