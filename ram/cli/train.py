"""``ram train``: train a model from a recipe."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ram.cli.stopping import sigterm_as_interrupt
from ram.cli.terminal import Progress, printable, say


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "train",
        help="train a model from a recipe",
        description="Train a model from a recipe. --resume continues a stopped run from its last saved state. On "
        "several GPUs: torchrun --nproc-per-node N -m ram.cli train RECIPE.toml --device cuda.",
    )
    parser.add_argument(
        "recipe",
        type=Path,
        metavar="RECIPE",
        help="a .toml file, or the name of one that ships, such as finetune-own-labels",
    )
    parser.add_argument("--resume", action="store_true", help="continue from the last saved state in --output")
    parser.add_argument(
        "--data", type=Path, default=Path(), metavar="FOLDER", help="folder that the recipe's paths are relative to (.)"
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="output folder of the model and its log (runs/RECIPE)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_change,
        metavar="FIELD=VALUE",
        help="change a field of the recipe for this run, such as schedule.epochs=2; may be repeated",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="FOLDER",
        help="cache folder for patch tokens and caption embeddings, shared between runs (--output)",
    )
    parser.add_argument("--device", default="cpu", metavar="D", help="auto, cpu, cuda, cuda:1 ... (%(default)s)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ram.runtime import find_device
    from ram.training.distributed import join_world
    from ram.training.loop import train
    from ram.training.recipe import Recipe

    recipe = Recipe.load(args.recipe, dict(args.set))
    output = args.output or Path("runs") / args.recipe.stem
    with join_world(find_device(args.device)) as (world, device):
        if not world.first:  # one process reports for all
            logging.getLogger("ram").setLevel(logging.ERROR)
        with _explain_interrupt(world.first), Progress(world.first) as progress:
            folder = train(
                recipe,
                args.data,
                output,
                cache=args.cache,
                resume=args.resume,
                device=device,
                world=world,
                progress=progress,
            )
        if world.first:
            print(f"{recipe.model.name} is in {printable(str(folder))}: use it as --model")
    return 0


def _change(text: str) -> tuple[str, str]:
    field, equals, value = text.partition("=")
    if not equals or not field:
        raise argparse.ArgumentTypeError(f"{text!r} is not a change: write FIELD=VALUE, such as schedule.epochs=2")
    return field.strip(), value.strip()


@contextmanager
def _explain_interrupt(reports: bool) -> Iterator[None]:
    """On Ctrl-C or SIGTERM, say how to resume."""
    with sigterm_as_interrupt():
        try:
            yield
        except KeyboardInterrupt:
            if reports:
                say("ram train: stopped; run the same command with --resume to continue from the last saved state")
            raise
