"""``ram export``: write a model in the form of other programs."""

from __future__ import annotations

import argparse
from pathlib import Path

from ram.cli.options import add_model_option, open_tagger
from ram.cli.terminal import Progress, printable, say


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "export",
        help="write a model as ONNX graphs",
        description="Write look.onnx, score.onnx and embed.onnx, which tag with any categories, and model.onnx, which "
        "has the predefined tags built in: pixels (batch, size, size, 3), blue first, 0 to 255, to probabilities, with "
        "labels.txt, thresholds.txt and the selected_tags.csv of WD taggers beside it. ram-onnx tags by this folder "
        "without PyTorch. Needs the extra ram[onnx].",
        epilog="example: ram export onnx exported --model ram-lite --dtype float16",
    )
    parser.add_argument("format", choices=("onnx",), metavar="FORMAT", help="onnx")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the folder to write")
    add_model_option(parser)
    parser.add_argument(
        "--dtype",
        default="float32",
        choices=("float32", "float16"),
        help="how weights are stored; the graphs compute in float32 (%(default)s)",
    )
    parser.add_argument("--no-baked", action="store_true", help="leave model.onnx out")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ram.export.onnx_folder import export_onnx

    precision, args.dtype, args.device = args.dtype, "float32", "cpu"
    tagger = open_tagger(args, args.model)
    with Progress() as progress:
        export_onnx(tagger, args.folder, precision, not args.no_baked, progress)
    for file in sorted(args.folder.glob("*.onnx*")):
        say(f"{printable(file.name)}: {file.stat().st_size / 1e6:.1f} MB")
    print(f"{printable(tagger.name)} is in {printable(str(args.folder))}")
    return 0
