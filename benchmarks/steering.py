"""Steering: whether a caption follows a tag that a person gives, and what that costs.

    python -m benchmarks.steering CAPTIONS [--images FOLDER] [--split FILE NAME] [--model tag2text-lite]
                                  [--beams 3] [--cases 500] [--given added|alone] [--tokenizer ptb|words]
                                  [--seed 0] [--json FILE]

A case is a photo and two tags of the model's vocabulary. The true tag is named by at least --confirmed references
(two), but neither it nor a synonym by the caption that the model writes on its own. The false tag is true of another
photo; no reference of this photo names it, a synonym of it or a tag that it implies, and the model does not find it.
Each tag is given in turn, added to the tags that the model finds or alone. A caption mentions a tag if the parser of
`ram parse` finds its lemma there; "or a synonym" counts the words that the label system takes for it, too.

CIDEr is computed over the cases, before and after, with the word weights of their references. The parser needs the
extra ram[parse], CIDEr ram[captions].
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.steering_cases import Names, Words, find_cases, parsed_names
from ram.backends import Captioner, captioner_of
from ram.caption_writing import Caption
from ram.cli.terminal import Progress
from ram.errors import ImageError, InputError
from ram.evaluation.caption_metrics import TOKENIZERS, check_metrics, cider, default_tokenizer, tokenize
from ram.evaluation.retrieval import CaptionedPictures, load_captioned
from ram.runtime import Progress as Callback
from ram.runtime import quiet

EXAMPLES = 20


class CaptioningTagger(Captioner, Protocol):
    """Tagger with a captioner, as far as the benchmark uses it."""

    def caption_through(
        self, images: Sequence[Path], tags: Sequence[str] | None = None, beams: int = 3
    ) -> Iterator[Caption | ImageError]: ...


@dataclass(frozen=True)
class Steered:
    """A case with its three captions, and whether the steered ones mention their tags: by lemma, or by a synonym."""

    image: str
    true: str
    false: str
    unsteered: str
    with_true: str
    with_false: str
    follows: bool
    follows_by_synonym: bool
    gives_in: bool
    gives_in_by_synonym: bool


def measure(
    tagger: CaptioningTagger,
    captioned: CaptionedPictures,
    words: Words,
    names: Names,
    *,
    beams: int = 3,
    most: int = 500,
    confirmed: int = 2,
    alone: bool = False,
    tokenizer: str | None = None,
    seed: int = 0,
    progress: Callback = quiet,
) -> tuple[dict[str, Any], list[Steered]]:
    """Measure all cases; return the report and the cases.

    Raises:
        InputError: the model has no captioner, or its captions leave no true tag out.
        ImageError: an image cannot be opened.
    """
    check_metrics(tokenizer)
    captioner_of(tagger)  # a model without a captioner says so
    pictures = captioned.pictures
    own = list(_whole(tagger.caption_through(pictures, None, beams), len(pictures), progress))
    progress("parsing", 0, 1)
    texts = iter(names(captioned.texts))
    references = [[next(texts) for _ in each] for each in captioned.captions]
    unsteered = names([caption.text for caption in own])
    cases = find_cases([caption.seen for caption in own], unsteered, references, words, most, confirmed, seed)
    if not cases:
        raise InputError("no caption leaves a confirmed tag out: give more photos, or another model")
    steered = []
    for done, case in enumerate(cases):
        progress("steered captions", done, len(cases))
        look, kept = [tagger.look(pictures[case.photo])], () if alone else case.found
        steered.append([tagger.caption_features(look, [*kept, tag], beams)[0].text for tag in (case.true, case.false)])
    progress("parsing", 0, 1)
    named = names([caption for pair in steered for caption in pair])
    rows = []
    for i, (case, (with_true, with_false)) in enumerate(zip(cases, steered, strict=True)):
        right, wrong = named[2 * i], named[2 * i + 1]
        rows.append(Steered(
            pictures[case.photo].name, case.true, case.false, own[case.photo].text, with_true, with_false,
            case.true in right, case.true in words.tags_in(right),
            case.false in wrong, case.false in words.tags_in(wrong),
        ))  # fmt: skip
    report = {"model": tagger.name, "photos": len(pictures), "beams": beams, "given": "alone" if alone else "added"}
    expected = [captioned.captions[case.photo] for case in cases]
    return report | summary(rows, expected, tokenizer or default_tokenizer()), rows


def summary(rows: Sequence[Steered], references: Sequence[Sequence[str]], tokenizer: str) -> dict[str, Any]:
    """Shares of cases, and CIDEr of their captions before and after."""

    def share(name: str) -> float:
        return sum(getattr(row, name) for row in rows) / len(rows)

    scores = {}
    for name in ("unsteered", "with_true", "with_false"):
        scores[name] = cider(*tokenize([getattr(row, name) for row in rows], references, tokenizer))
    shares = ("follows", "follows_by_synonym", "gives_in", "gives_in_by_synonym")
    return {
        "cases": len(rows),
        "photos_with_cases": len({row.image for row in rows}),
        **{name: share(name) for name in shares},
        "tokenizer": TOKENIZERS[tokenizer],
        "CIDEr": scores,
        "CIDEr_change": scores["with_true"] - scores["unsteered"],
    }


def table(report: Mapping[str, Any]) -> Iterator[str]:
    """Format the report as a Markdown table; CIDEr times 100."""
    yield f"{report['model']}, {report['cases']} cases on {report['photos_with_cases']} of {report['photos']} photos, "
    yield f"{report['beams']} beams, tag {report['given']}; {report['tokenizer']}"
    yield ""
    yield "| given | mentions it | or a synonym | CIDEr |"
    yield "|---|---|---|---|"
    yield f"| nothing more | - | - | {100 * report['CIDEr']['unsteered']:.1f} |"
    for given, share, score in (("a true tag", "follows", "with_true"), ("a false tag", "gives_in", "with_false")):
        shares = f"{100 * report[share]:.1f} % | {100 * report[f'{share}_by_synonym']:.1f} %"
        yield f"| {given} | {shares} | {100 * report['CIDEr'][score]:.1f} |"


def examples(rows: Sequence[Steered], most: int = EXAMPLES, seed: int = 0) -> Iterator[str]:
    """Format some cases, drawn at random, as a Markdown table."""
    yield "| photo | unsteered | true tag | steered by it | false tag | steered by it |"
    yield "|---|---|---|---|---|---|"
    for row in random.Random(seed).sample(list(rows), min(most, len(rows))):
        cells = (row.image, row.unsteered, row.true, row.with_true, row.false, row.with_false)
        yield f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _whole(results: Iterator[Caption | ImageError], total: int, progress: Callback) -> Iterator[Caption]:
    for done, result in enumerate(results):
        progress("unsteered captions", done, total)
        if isinstance(result, ImageError):
            raise result
        yield result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captions", type=Path, metavar="CAPTIONS", help="as for ram evaluate --captions")
    parser.add_argument("--images", type=Path, metavar="FOLDER")
    parser.add_argument("--split", nargs=2, metavar=("FILE", "NAME"))
    parser.add_argument("--model", default="tag2text-lite")
    parser.add_argument("--beams", type=int, default=3)
    parser.add_argument("--cases", type=int, default=500, help="at most (%(default)s)")
    parser.add_argument("--confirmed", type=int, default=2, help="references that name a true tag (%(default)s)")
    parser.add_argument("--given", choices=("added", "alone"), default="added", help="the tag beside those found")
    parser.add_argument("--tokenizer", choices=tuple(TOKENIZERS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report and all cases")
    args = parser.parse_args()
    from ram.tagger_loading import load

    split = None if args.split is None else (Path(args.split[0]), args.split[1])
    captioned, tagger = load_captioned(args.captions, args.images, split), load(args.model)
    words = Words.of(tagger.bank.vocabulary)
    with Progress() as progress:
        report, rows = measure(
            tagger, captioned, words, parsed_names(words), beams=args.beams, most=args.cases,
            confirmed=args.confirmed, alone=args.given == "alone", tokenizer=args.tokenizer, seed=args.seed,
            progress=progress,
        )  # fmt: skip
    if args.json is not None:
        document = {**report, "all": [asdict(row) for row in rows]}
        args.json.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print("\n".join([*table(report), "", *examples(rows, seed=args.seed)]))


if __name__ == "__main__":
    main()
