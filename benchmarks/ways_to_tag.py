"""Three ways to the tags of a photo: by alignment, by tagging, and by the words of a caption (Tag2Text's poster).

    python -m benchmarks.ways_to_tag BENCHMARK [--images FOLDER] [--aligned ram-plus-lite] [--captioner tag2text-lite]
                                     [--beams 3] [--json FILE]

*Alignment*: RAM++ scores a tag by its descriptions, at its own thresholds. *Tagging*: the tagging head of a model with
a captioner, at its own thresholds. *Captions*: the tags that the parser of `ram parse` finds in the caption that this
model writes, guided by the tags that it sees; synonyms count. BENCHMARK is what `ram evaluate` takes. A caption names
tags without probabilities, so that it has no mAP. The parser needs the extra ram[parse].
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.steering_cases import Names, Words, parsed_names
from ram.cli.terminal import Progress
from ram.errors import ImageError
from ram.evaluation.benchmarks import Benchmark, Report, evaluate, load_benchmark
from ram.evaluation.tagging import evaluate_tagger
from ram.runtime import Progress as Callback
from ram.runtime import quiet
from ram.tagger import Tagger
from ram.text.vocabulary import TagVocabulary

SHOWN = ("OP", "OR", "OF1", "CP", "CR", "CF1", "mAP")


def measure(
    aligned: Tagger, captioner: Tagger, benchmark: Benchmark, names: Names, words: Words, *, beams: int = 3,
    progress: Callback = quiet,
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """Measure the three ways on a benchmark: by way, rates and mAP as fractions.

    Args:
        aligned: tags by alignment.
        captioner: tags by its tagging head, and writes the captions.
        benchmark: annotated photos.
        names: finds the names in captions.
        words: for the tags of the benchmark.
        beams: of the captions.
        progress: called with what is being done, how much is done, and how much there is.

    Raises:
        ImageError: a photo cannot be read.
    """
    captions = []
    for done, caption in enumerate(captioner.caption_through(benchmark.pictures, beams=beams)):
        progress("writing captions", done, len(benchmark.pictures))
        if isinstance(caption, ImageError):
            raise caption
        captions.append(caption.text)
    found = named_tags(names(captions), benchmark.tags, words)
    ways: dict[str, Report] = {
        "alignment": evaluate_tagger(aligned, benchmark, progress=progress),
        "tagging": evaluate_tagger(captioner, benchmark, progress=progress),
        "captions": evaluate(found, benchmark),
    }
    results = {way: {name: report.to_dict()[name] for name in SHOWN} for way, report in ways.items()}
    results["captions"]["mAP"] = None
    return results


def named_tags(named: Sequence[set[str]], tags: Sequence[str], words: Words) -> NDArray[np.float32]:
    """(images, tags) 1 where a caption names a tag or a synonym of it, else 0."""
    found = [words.tags_in(names) for names in named]
    return np.array([[tag.lower() in here for tag in tags] for here in found], dtype=np.float32)


def table(results: Mapping[str, Mapping[str, float | None]]) -> list[str]:
    """Lines of a Markdown table, in percent."""
    lines = [f"| tags by | {' | '.join(SHOWN)} |", f"|---{'|---' * len(SHOWN)}|"]
    for way, measured in results.items():
        cells = (f"{100 * value:.1f}" if (value := measured[name]) is not None else "-" for name in SHOWN)
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmark", type=Path, metavar="BENCHMARK")
    parser.add_argument("--images", type=Path, metavar="FOLDER")
    parser.add_argument("--aligned", default="ram-plus-lite", metavar="MODEL")
    parser.add_argument("--captioner", default="tag2text-lite", metavar="MODEL")
    parser.add_argument("--beams", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    from ram.tagger_loading import load

    benchmark = load_benchmark(args.benchmark, args.images)
    words = Words.of(TagVocabulary.of(tuple(dict.fromkeys(benchmark.tags))))
    with Progress() as progress:
        results = measure(
            load(args.aligned), load(args.captioner), benchmark, parsed_names(words), words, beams=args.beams,
            progress=progress,
        )  # fmt: skip
    if args.json is not None:
        args.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print("\n".join(table(results)))


if __name__ == "__main__":
    main()
