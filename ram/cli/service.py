"""``ram serve``: tag images for programs that ask Ollama, OpenAI or an ML backend of Label Studio."""

from __future__ import annotations

import argparse
from pathlib import Path

from ram.cli.options import add_device_options, add_model_option, fraction, open_tagger, positive
from ram.cli.scored_tags import add_vocabulary_options, scored_bank, typed_tags
from ram.cli.terminal import printable, say
from ram.errors import InputError, MissingPackageError
from ram.listening import check_address

PORT = 11434
"""Port of Ollama, which programs try by themselves."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "serve",
        help="tag images for programs that ask Ollama, OpenAI or Label Studio",
        description="Answer as Ollama (/api/generate, /api/chat) and OpenAI (/v1/chat/completions, /v1/responses) do: "
        "an image goes in, its tags come back, in the JSON form that was asked for or with commas between them. "
        "Also an ML backend of Label Studio. There is no password: the service listens on this machine alone unless "
        "--host says otherwise. Needs the extra ram[serve].",
        epilog='example: ram serve --tags "corgi, kite", then point the program at http://127.0.0.1:11434',
    )
    add_model_option(parser)
    add_vocabulary_options(parser)
    parser.add_argument("--threshold", type=fraction, metavar="T", help="give the tags over T, not over their own")
    parser.add_argument("--top", type=positive, default=50, metavar="K", help="give at most so many tags (%(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=positive, default=PORT, help="port to listen on (%(default)s)")
    parser.add_argument("--label-studio", metavar="ADDRESS", help="fetch the images of tasks from this host")
    parser.add_argument("--label-studio-token", metavar="TOKEN", help="access token for it")
    parser.add_argument(
        "--label-studio-files", type=Path, metavar="FOLDER", help="read images of its local storage from this folder"
    )
    add_device_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    try:
        import uvicorn

        from ram.neighbours.label_service import label_service
        from ram.neighbours.requests import LOOPBACK
    except ModuleNotFoundError as missing:
        if missing.name not in ("uvicorn", "starlette"):
            raise
        raise MissingPackageError("serving needs packages that are not here: pip install 'ram[serve]'") from None
    from ram.neighbours.asked_pictures import Labeller
    from ram.neighbours.task_pictures import TaskPictures

    if args.label_studio and not args.label_studio.startswith(("http://", "https://")):
        raise InputError(f"--label-studio takes an address such as http://localhost:8080, not {args.label_studio!r}")
    check_address(args.host, args.port)
    typed = typed_tags(args)
    tagger = open_tagger(args, args.model)
    bank, _ = scored_bank(tagger, typed, args)
    tagger = tagger.with_bank(bank)
    pictures = TaskPictures(args.label_studio, args.label_studio_token, args.label_studio_files)
    hosts = LOOPBACK if args.host in LOOPBACK else ("*",)
    service = label_service(Labeller(tagger, tagger.bank, args.threshold, args.top), pictures, hosts)
    say(f"{printable(tagger.name)} answers on http://{printable(args.host)}:{args.port} until Ctrl-C")
    uvicorn.run(service, host=args.host, port=args.port, log_level="warning")
    return 0
