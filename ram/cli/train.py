"""``ram train``: a recipe to a model folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from ram.cli.terminal import Progress, printable


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "train",
        help="train a model from a recipe",
        description="Train a model from a recipe. A stopped run goes on from its last whole epoch with "
        "--resume.",
    )
    parser.add_argument("recipe", type=Path, metavar="RECIPE.toml", help="what to train, on what, and how")
    parser.add_argument("--resume", action="store_true", help="go on from the last whole epoch in --output")
    parser.add_argument(
        "--data", type=Path, default=Path(), metavar="FOLDER", help="where the recipe's paths begin (here)"
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="where the model and its log go (runs/ and the recipe's name)",
    )
    parser.add_argument("--device", default="cpu", metavar="D", help="auto, cpu, cuda, cuda:1 ... (%(default)s)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ram.tagger import find_device
    from ram.training.loop import train
    from ram.training.recipe import Recipe

    recipe = Recipe.load(args.recipe)
    device = find_device(args.device)
    output = args.output or Path("runs") / args.recipe.stem
    with Progress() as progress:
        folder = train(recipe, args.data, output, resume=args.resume, device=str(device), progress=progress)
    print(f"{recipe.model.name} is in {printable(str(folder))}, a folder that --model takes")
    return 0
