"""Export a tagger to a folder of ONNX graphs, with the lists that programs read beside them."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch

from ram.checkpoints.model_folder import assemble
from ram.errors import InputError, MissingPackageError
from ram.export.onnx_graphs import (
    BAKED,
    EMBED,
    LOOK,
    SCORE,
    check_exportable,
    write_baked,
    write_embed,
    write_look,
    write_score,
)
from ram.models.text_encoder import MiniLMTextEncoder
from ram.runtime import Progress, atomic_write, quiet
from ram.tagger import Tagger
from ram.text.files import write_json

PRECISIONS = ("float32", "float16")
GENERAL = 0
"""Category of an ordinary tag in the lists of WD taggers; others are for characters and ratings."""


def export_onnx(
    tagger: Tagger, folder: Path, precision: str = "float32", baked: bool = True, progress: Progress = quiet
) -> None:
    """Write the graphs of a tagger on the CPU in float32, and their lists.

    ``look.onnx`` and ``score.onnx`` tag with any bank, ``embed.onnx`` makes banks, ``model.onnx`` has the predefined
    tags built in. ``tags.json`` and ``bank.bin`` are for the module ram_onnx and the page without a server;
    ``labels.txt``, ``thresholds.txt`` and ``selected_tags.csv`` for other programs.

    Args:
        tagger: a RAM or RAM++ model.
        folder: is made where it does not exist.
        precision: "float32", or "float16" to store weights in half the space.
        baked: write ``model.onnx``.
        progress: called before each graph.

    Raises:
        InputError: no such precision, learned tags, or a tagger elsewhere than on the CPU in float32.
        MissingPackageError: the packages of the extra ``onnx`` are not installed.
    """
    check_exportable(tagger.config)
    if precision not in PRECISIONS:
        raise InputError(f"precision {precision!r} is unknown: choose one of {', '.join(PRECISIONS)}")
    if tagger.device.type != "cpu" or tagger.dtype != torch.float32:
        raise InputError(f"{tagger.name} is in {tagger.dtype} on {tagger.device}: load it on the cpu in float32")
    try:
        from ram.export.onnx_precision import store_half
    except ImportError:
        raise MissingPackageError("writing ONNX needs packages that are not here: pip install 'ram[onnx]'") from None
    config, bank = tagger.config, tagger.bank
    size, dim = config.image.size, config.dim
    network = assemble(config, tagger.model.state_dict(), config.name)  # without the fast twins
    folder.mkdir(parents=True, exist_ok=True)
    graphs = {
        LOOK: lambda path: write_look(path, network, size),
        SCORE: lambda path: write_score(path, network, size, dim),
    }
    if baked:
        graphs[BAKED] = lambda path: write_baked(path, network, config, bank.embedded)
    if config.text_encoder == MiniLMTextEncoder.name:
        encoder = MiniLMTextEncoder()
        graphs[EMBED] = lambda path: write_embed(path, encoder)
        shutil.copyfile(encoder.folder / "tokenizer.json", folder / "tokenizer.json")
    for done, (name, write) in enumerate(graphs.items()):
        progress(f"exporting {name}", done, len(graphs))
        write(folder / name)
        if precision == "float16":
            store_half(folder / name)
    write_lists(folder, tagger)


def write_lists(folder: Path, tagger: Tagger) -> None:
    """Write the tags with their thresholds in the forms that programs read, and the bank."""
    vocabulary, image = tagger.bank.vocabulary, tagger.config.image
    write_json(
        folder / "tags.json",
        {
            "name": tagger.name,
            "size": image.size,
            "mean": image.mean,
            "std": image.std,
            "interpolation": image.interpolation,
            "text_encoder": tagger.config.text_encoder,
            "max_descriptions": tagger.config.max_descriptions,
            "tags": vocabulary.tags,
            "thresholds": vocabulary.thresholds,
            "descriptions": [len(sentences) for sentences in tagger.bank.sentences],
        },
        ensure_ascii=False,
    )
    with atomic_write(folder / "bank.bin") as temporary:
        rows = tagger.bank.embedded.embeddings[tagger.bank.mask]
        temporary.write_bytes(rows.half().cpu().numpy().astype("<f2").tobytes())
    _write_lines(folder / "labels.txt", vocabulary.tags)
    _write_lines(folder / "thresholds.txt", list(map(str, vocabulary.thresholds)))
    table = io.StringIO()
    rows_of_wd = csv.writer(table, lineterminator="\n")
    rows_of_wd.writerow(("tag_id", "name", "category", "count"))
    rows_of_wd.writerows((index, tag, GENERAL, 0) for index, tag in enumerate(vocabulary.tags))
    with atomic_write(folder / "selected_tags.csv") as temporary:
        temporary.write_text(table.getvalue(), encoding="utf-8")


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
