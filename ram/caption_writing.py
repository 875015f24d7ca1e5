"""Caption images that were looked at, guided by tags."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import torch

from ram.describers.wording import gerund
from ram.errors import InputError
from ram.models.caption_generation import Rules, search_beams, write_greedily, write_samples
from ram.models.caption_text import CaptionText
from ram.models.captioner import Captioner
from ram.text.cleaning import excerpt, plain_text

MAX_BEAMS = 16
MENTION = 4.0
"""Logits by which a given tag is lifted until it is mentioned, chosen on Flickr8k dev."""
_NUMBERED = re.compile(r"(.+) \(\d+\)")


@dataclass(frozen=True)
class Caption:
    """A sentence about an image, and the tags that guided it.

    Args:
        text: the sentence.
        given: tags that a person gave.
        seen: predefined tags that the model found in the image.
    """

    text: str
    given: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()

    @property
    def tags(self) -> tuple[str, ...]:
        """All tags that guided it, the given ones first."""
        return tuple(dict.fromkeys((*self.given, *self.seen)))


@dataclass(frozen=True)
class CaptionOptions:
    """Options of caption generation besides the number of beams; lengths are in tokens, with the prompt.

    Args:
        without: tags that do not guide the caption, although the model finds them.
        mention: how much likelier the words of given tags become until they are mentioned, in logits; of a captioner
            that reads given tags apart. 0 leaves it to the model whether it mentions them.
        min_length, max_length: of a caption; None for the model's own.
        repetition_penalty: over 1, words that are there already are less likely.
        top_p: draw each word among the likeliest ones, which have this probability together; None does not draw.
        seed: of the draws; None for other ones each time.
    """

    without: tuple[str, ...] = ()
    mention: float = MENTION
    min_length: int | None = None
    max_length: int | None = None
    repetition_penalty: float = 1.0
    top_p: float | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.mention <= 20:
            raise InputError(f"mention is {self.mention}: it must be between 0 and 20")
        if not 0.1 <= self.repetition_penalty <= 10:
            raise InputError(f"repetition_penalty is {self.repetition_penalty}: it must be between 0.1 and 10")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise InputError(f"top_p is {self.top_p}: it must be over 0 and at most 1")


class CaptionWriter:
    """Write captions of images that were looked at.

    Args:
        captioner: with its vocabulary, in evaluation mode.

    Raises:
        ValueError: the captioner has no vocabulary.
    """

    def __init__(self, captioner: Captioner) -> None:
        if captioner.words is None:
            raise ValueError("this captioner has no vocabulary: assign captioner.words")
        self._captioner = captioner
        self._text = CaptionText(captioner.config, captioner.words)

    @property
    def reads_apart(self) -> bool:
        """Whether the captioner reads given tags and seen tags apart."""
        return bool(self._captioner.config.seen_separator)

    @property
    def most_seen(self) -> int | None:
        """Most seen tags that the captioner reads; None if it reads all of them."""
        return self._captioner.config.seen_tags if self.reads_apart else None

    @torch.inference_mode()
    def write(
        self,
        tokens: torch.Tensor,
        given: Sequence[Sequence[str]],
        seen: Sequence[Sequence[str]],
        known: Sequence[str],
        beams: int = 3,
        options: CaptionOptions | None = None,
    ) -> list[str]:
        """One caption for each image.

        Args:
            tokens: (batch, tokens, dim) of the image encoder, on the captioner's device.
            given: tags that a person gave for each image.
            seen: tags found in each image, the likeliest first. A captioner that does not read them apart reads the
                given ones, or where there are none the seen ones in the order of the vocabulary.
            known: the vocabulary.
            beams: captions written side by side, of which the best is returned; 1 takes the likeliest word each time.
            options: further ones.

        Raises:
            InputError: a number is out of range.
        """
        options = CaptionOptions() if options is None else options
        each = [self._mentioning(self._rules(beams, options), tags, options.mention) for tags in given]
        rules = each[0] if all(one == each[0] for one in each) else each  # those of one are applied to all at once
        device = tokens.device
        prompt = torch.tensor(self._text.prompt, device=device).expand(len(tokens), -1)
        tags = self._text.tags(*self._guides(given, seen, known)).to(device)
        reader = self._captioner.reader(self._captioner.guide(tokens, tags))
        if options.top_p is not None:
            generator = None if options.seed is None else torch.Generator(device).manual_seed(options.seed)
            written = write_samples(reader, prompt, rules, options.top_p, generator)
        elif beams == 1:
            written = write_greedily(reader, prompt, rules)
        else:
            written = search_beams(reader, prompt, rules, beams)
        return [self._text.read(each.ids) for each in written]

    def _mentioning(self, rules: Rules, given: Sequence[str], mention: float) -> Rules:
        """The rules of a caption that is to mention given tags."""
        if not (given and self.reads_apart):
            return rules
        return replace(rules, wanted=tuple(map(self._forms, given)), lift=mention, joined=self._text.words.joined)

    def _guides(
        self, given: Sequence[Sequence[str]], seen: Sequence[Sequence[str]], known: Sequence[str]
    ) -> tuple[list[list[str]], list[list[str]] | None]:
        """Given and seen tags of each image as the captioner reads them; None where it reads one list."""
        if self.reads_apart:
            return [list(tags) for tags in given], [spoken(found, known) for found in seen]
        place = {tag: i for i, tag in enumerate(known)}
        in_order = (sorted(found, key=lambda tag: place[tag]) for found in seen)
        return [list(tags) or spoken(found, known) for tags, found in zip(given, in_order, strict=True)], None

    def _forms(self, tag: str) -> tuple[tuple[int, ...], ...]:
        """The tokens of a tag, and of its plural and gerund where they are a piece each: dogs, running."""
        words = self._text.words
        forms = [words.encode(tag)]
        for other in (f"{tag}s", f"{tag}es", gerund(tag)):
            ids = words.encode(other)
            if " " not in tag and len(ids) == 1 and not words.unknown_words(other):
                forms.append(ids)
        return tuple(map(tuple, forms))

    def check(self, tags: Sequence[str]) -> None:
        """Check that the captioner can read tags which a person gave.

        Raises:
            InputError: it has no pieces for a word.
        """
        for tag in tags:
            if unknown := self._text.words.unknown_words(tag):
                raise InputError(
                    f"the captioner cannot read {excerpt(unknown[0])} in the tag {excerpt(tag)}: "
                    "use other words for it, or leave it out"
                )

    def _rules(self, beams: int, options: CaptionOptions) -> Rules:
        config, first = self._captioner.config, len(self._text.prompt) + 1
        if isinstance(beams, bool) or not isinstance(beams, int) or not 1 <= beams <= MAX_BEAMS:
            raise InputError(f"beams is {beams!r}: it must be a whole number from 1 to {MAX_BEAMS}")
        longest = config.max_length if options.max_length is None else options.max_length
        shortest = min(config.min_length, longest) if options.min_length is None else options.min_length
        if not first <= longest <= config.positions:
            raise InputError(f"max_length is {longest}: it must be between {first} and {config.positions}")
        if not 0 <= shortest <= longest:
            raise InputError(f"min_length is {shortest}: it must be between 0 and max_length, {longest}")
        return Rules(config.end, shortest, longest, options.repetition_penalty)


def given_tags(tags: str | Sequence[str], known: Collection[str] = ()) -> list[str]:
    """Tags as a person gives them: a list of names, or one text with commas, semicolons or bars between them.

    Args:
        tags: empty for none.
        known: predefined tags, some of which may be numbered; see :func:`spoken`.

    Raises:
        InputError: a tag is no text.
    """
    parts = re.split(r"[,;|\r\n]", tags) if isinstance(tags, str) else list(tags)
    for part in parts:
        if not isinstance(part, str):
            raise InputError(f"a tag is {part!r}: tags are texts, such as 'dog'")
    return spoken([text for part in parts if (text := plain_text(part))], known)


def spoken(tags: Sequence[str], known: Collection[str]) -> list[str]:
    """Tags without the numbers that tell repeated names of a vocabulary apart: "train (2)" is "train"."""
    bare = [(tag, match[1]) if (match := _NUMBERED.fullmatch(tag)) else (tag, tag) for tag in tags]
    return [name if name in known else tag for tag, name in bare]


def no_captions(name: str) -> InputError:
    """Return the error that a model writes no captions, with what to do."""
    return InputError(f"{name} writes no captions: choose a model with a captioner, such as tag2text-lite")
