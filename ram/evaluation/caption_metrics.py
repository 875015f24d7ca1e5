"""Metrics of captions by pycocoevalcap: BLEU, ROUGE-L and CIDEr; with Java METEOR, and SPICE where its jars are."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from ram.errors import InputError, MissingPackageError
from ram.evaluation.java_metrics import find_java, has_spice, meteor, ptb_tokens, spice

TOKENIZERS = {
    "ptb": "PTBTokenizer (Stanford CoreNLP 3.4.1), punctuation removed, as in the COCO evaluation",
    "words": "lower-case words without punctuation (no Java)",
}
"""Name to description. Published results use the first."""

PUNCTUATION = frozenset(["''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-", *".?!,:;", "-", "--", "..."])
"""Tokens that the COCO evaluation removes."""

_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CaptionScores:
    """Scores of the captions of a data set.

    Args:
        tokenizer: what was measured on, see :data:`TOKENIZERS`.
        bleu: BLEU-1 to BLEU-4, fractions.
        rouge: ROUGE-L, a fraction.
        cider: 0 to 10; papers print it times 100. It is 0 for a single image, whose n-grams tell nothing apart.
        meteor: a fraction; None without Java.
        spice: a fraction; None without Java or its jars.
    """

    tokenizer: str
    bleu: tuple[float, ...]
    rouge: float
    cider: float
    meteor: float | None = None
    spice: float | None = None

    def to_dict(self) -> dict[str, float | str | None]:
        """Scores by the names of ``ram evaluate --captions --json``."""
        bleu = {f"BLEU{n}": score for n, score in enumerate(self.bleu, 1)}
        others = {"METEOR": self.meteor, "ROUGE_L": self.rouge, "CIDEr": self.cider, "SPICE": self.spice}
        return {"tokenizer": self.tokenizer, **bleu, **others}


def score_captions(
    captions: Sequence[str], references: Sequence[Sequence[str]], tokenizer: str | None = None
) -> CaptionScores:
    """Compare one caption of each image with the image's references.

    Args:
        captions: (images,) sentences.
        references: (images,) one sentence or more of each.
        tokenizer: a name of :data:`TOKENIZERS`; "ptb" where there is Java, else "words". With "words" nothing runs in
            Java, so that there is neither METEOR nor SPICE.

    Raises:
        InputError: there are no captions, an image has no reference, or Java fails.
        MissingPackageError: pycocoevalcap is not installed.
    """
    check_metrics(tokenizer)
    name = tokenizer or default_tokenizer()
    tokens, texts = tokenize(captions, references, name)
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.rouge.rouge import Rouge

    written, expected = {i: [one] for i, one in enumerate(tokens)}, dict(enumerate(texts))
    bleu, _ = Bleu(4).compute_score(expected, written, verbose=0)
    rouge, _ = Rouge().compute_score(expected, written)
    java = find_java() if name == "ptb" else None
    if java is None:
        _log.warning("METEOR and SPICE are left out: they need Java and the tokenizer ptb")
    elif not has_spice():
        _log.info("SPICE is left out: pycocoevalcap brings no stanford-corenlp-3.6.0 jars")
    return CaptionScores(
        TOKENIZERS[name],
        tuple(map(float, bleu)),
        float(rouge),
        cider(tokens, texts),
        None if java is None else meteor(java, tokens, texts),
        None if java is None or not has_spice() else spice(java, tokens, texts),
    )


def cider(tokens: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Compute CIDEr-D of tokenized captions, 0 to 10; words are weighed by how few of these images have them.

    Raises:
        MissingPackageError: pycocoevalcap is not installed.
    """
    check_metrics()
    from pycocoevalcap.cider.cider import Cider

    expected = {i: list(texts) for i, texts in enumerate(references)}
    found, _ = Cider().compute_score(expected, {i: [one] for i, one in enumerate(tokens)})
    return float(found)


def tokenize(
    captions: Sequence[str], references: Sequence[Sequence[str]], tokenizer: str
) -> tuple[list[str], list[list[str]]]:
    """Tokens, joined by spaces, of (images,) captions and of the references of each.

    Raises:
        InputError: there are no captions, an image has no reference, or Java fails.
    """
    if not captions or len(captions) != len(references) or not all(references):
        raise InputError("caption metrics need captions, and at least one reference of each: add what is missing")
    sentences = [*captions, *(text for texts in references for text in texts)]
    tokens = iter(_ptb(sentences) if tokenizer == "ptb" else map(_words, sentences))
    return [next(tokens) for _ in captions], [[next(tokens) for _ in texts] for texts in references]


def default_tokenizer() -> str:
    """Name of the tokenizer of published results where there is Java, else of the plain one."""
    return "ptb" if find_java() else "words"


def check_metrics(tokenizer: str | None = None) -> None:
    """Check that what the metrics need is here, before any caption is written.

    Raises:
        InputError: there is no such tokenizer, or it needs Java and there is none.
        MissingPackageError: pycocoevalcap is not installed.
    """
    if tokenizer is not None and tokenizer not in TOKENIZERS:
        raise InputError(f"there is no tokenizer {tokenizer!r}: choose {' or '.join(TOKENIZERS)}")
    if find_spec("pycocoevalcap") is None:
        raise MissingPackageError(
            "caption metrics need pycocoevalcap: install the extra ram[captions], in a checkout with "
            "pip install -e '.[captions]'"
        )
    if tokenizer == "ptb" and find_java() is None:
        raise InputError("the tokenizer ptb needs Java, and there is none here: install it, or use --tokenizer words")


def _ptb(sentences: Sequence[str]) -> list[str]:
    java = find_java()
    assert java is not None
    lines = ptb_tokens(java, sentences)
    return [" ".join(token for token in line.rstrip().split(" ") if token not in PUNCTUATION) for line in lines]


def _words(sentence: str) -> str:
    return " ".join(_WORD.findall(sentence.lower()))
