"""``ram compare``: score typed categories with several models on one picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ram.cli.options import (
    DEFAULT_MODEL,
    add_describer_options,
    add_device_options,
    add_image_limit_option,
    add_json_option,
    check_writable,
    describe_all,
    image_limits,
    open_tagger,
)
from ram.cli.output import score_row
from ram.cli.terminal import Progress, print_json, print_table, printable, say
from ram.runtime import atomic_write
from ram.text.descriptions import TagDescriptions
from ram.text.names import parse_categories

if TYPE_CHECKING:
    from PIL.Image import Image

    from ram.prediction import Prediction

FIGURES = (".png", ".pdf", ".svg")


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "compare",
        help="compare models on typed categories",
        description="Compare the probabilities that several models give to typed categories on one picture. All get "
        "the same descriptions; RAM uses the first of a category, RAM++ re-weights all of them.",
        epilog='example: ram compare photo.jpg --tags "corgi, meteor shower" --plot comparison.png',
    )
    parser.add_argument("picture", metavar="PICTURE", help="a picture")
    parser.add_argument("--tags", required=True, metavar="LIST", help='categories: "corgi, meteor shower"')
    parser.add_argument(
        "--models",
        nargs="+",
        default=["ram-lite", DEFAULT_MODEL],
        metavar="M",
        help="names of `ram models` or model folders (ram-lite ram-plus-lite)",
    )
    add_describer_options(parser)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the comparison: .png, .pdf or .svg")
    add_json_option(parser)
    add_image_limit_option(parser)
    add_device_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    tags = parse_categories(args.tags)
    if args.plot is not None:
        check_writable(args.plot, FIGURES)
    from ram.images.opening import open_image

    picture = open_image(args.picture, image_limits(args))
    predictions = _predict(picture, describe_all(args, tags), args)
    if args.plot is not None:
        _plot(args.plot, picture, predictions)
    scores = {tag: {model: p[tag].to_dict() for model, p in predictions.items()} for tag in tags}
    if args.json:
        categories = [{"tag": tag, "models": models} for tag, models in scores.items()]
        print_json({"image": args.picture, "categories": categories})
        return 0
    print(printable(args.picture))
    for tag, models in scores.items():
        print(f"  {printable(tag)}")
        rows = [score_row(model, score, predictions[model][tag].present) for model, score in models.items()]
        print_table(rows, "<<<>", indent="    ")
    return 0


def _predict(
    picture: Image, descriptions: TagDescriptions, args: argparse.Namespace
) -> dict[str, Prediction]:
    """Return one prediction per model name; each model looks at the picture once."""
    predictions: dict[str, Prediction] = {}
    for given in dict.fromkeys(args.models):
        tagger = open_tagger(args, given)
        # two folders may hold models of one name
        name = tagger.name if tagger.name not in predictions else given
        with Progress() as progress:
            progress(f"{name} looks at the picture", 0, 1)
            predictions[name] = tagger.score(tagger.look(picture), tagger.embed(descriptions))
    return predictions


def _plot(path: Path, picture: Image, predictions: dict[str, Prediction]) -> None:
    from ram.figures import comparison_figure

    with atomic_write(path) as partial:
        comparison_figure(predictions, picture).savefig(partial, format=path.suffix[1:].lower())
    say(f"the plot is in {printable(str(path))}")
