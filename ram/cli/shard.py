"""``ram shard``: write triplets and their pictures as WebDataset shards."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from ram.cli.options import add_json_option
from ram.cli.terminal import Progress, print_json, printable, say
from ram.errors import InputError


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "shard",
        help="pack training triplets and their pictures into tar files",
        description="Write WebDataset shards, for data that does not fit on one disk or lies on a slow one. A recipe "
        'names them: shards = ["disk*/{000000..000999}.tar"].',
        epilog="example: ram shard train.json --pictures photos --output shards",
    )
    parser.add_argument("triplets", type=Path, metavar="TRIPLETS.json", help="triplets, as `ram parse` writes them")
    parser.add_argument(
        "--pictures", type=Path, default=Path(), metavar="FOLDER", help="base folder of the picture paths (.)"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="output folder of the shards")
    parser.add_argument("--per-shard", type=int, default=5000, metavar="N", help="pictures per shard (%(default)s)")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ram.training.data.shard_writing import write_shards
    from ram.training.data.triplets import read_triplets

    if args.per_shard < 1:
        raise InputError(f"--per-shard is {args.per_shard}: it must be at least 1")
    source = read_triplets(args.triplets, args.pictures, tags=2**31 - 1)
    with Progress() as progress:
        label = f"packing {len(source.pictures)} pictures"
        shards, skipped = write_shards(source, args.output, args.per_shard, partial(progress, label))
    if not shards:
        why = f": {skipped[0]}" if skipped else ""
        raise InputError(f"{args.triplets.name} contains no readable picture{why}")
    if skipped:
        say(printable(f"{len(skipped)} pictures are left out, first: {skipped[0]}"))
    if args.json:
        print_json({"shards": [str(shard) for shard in shards], "skipped": skipped})
    else:
        packed = len(source.pictures) - len(skipped)
        print(f"{packed} pictures are in {len(shards)} shards in {printable(str(args.output))}")
    return 0
