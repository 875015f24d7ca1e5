"""Write captions token by token: greedily, by beam search, or by nucleus sampling, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F


class Reader(Protocol):
    """A text decoder that has read some tokens of each row, and remembers them."""

    def read(self, ids: torch.Tensor) -> torch.Tensor:
        """Read (rows, n) further tokens; returns (rows, vocabulary) logits of the next one."""
        ...

    def select(self, rows: torch.Tensor, images: torch.Tensor) -> None:
        """Go on with some rows, equally many for each of some images, in order."""
        ...


@dataclass(frozen=True)
class Rules:
    """Constraints on a generated caption.

    Args:
        end: token that ends a caption.
        min_length: tokens before the end, the prompt's among them.
        max_length: tokens with the prompt's and the end.
        repetition_penalty: over 1, tokens that are there already are less likely (Keskar et al. 2019).
        wanted: what the caption should mention; of each, the forms as tokens, one of which is enough.
        lift: added to the score of the token that begins a form, or goes on with it, while none is there.
        joined: tokens that go on with a word. A form that is begun is ended before anything else is written, and one
            that is there ends its word: an espresso, not an "espressom".
    """

    end: int
    min_length: int
    max_length: int
    repetition_penalty: float = 1.0
    wanted: tuple[tuple[tuple[int, ...], ...], ...] = ()
    lift: float = 0.0
    joined: frozenset[int] = frozenset()

    def apply(self, scores: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """Change the (rows, vocabulary) scores of the token that follows (rows, n) ids."""
        if self.repetition_penalty != 1:
            seen = scores.gather(1, ids)
            less = torch.where(seen < 0, seen * self.repetition_penalty, seen / self.repetition_penalty)
            scores = scores.scatter(1, ids, less)
        if ids.shape[1] < self.min_length:
            scores = scores.index_fill(1, torch.tensor([self.end], device=scores.device), -torch.inf)
        if self.lift and self.wanted:
            scores = scores.clone()
            for row, read in enumerate(ids.tolist()):
                self._mention(scores[row], read)
        return scores

    def _mention(self, scores: torch.Tensor, read: list[int]) -> None:
        """Change the (vocabulary,) scores of the token after some so that it mentions what was not mentioned yet."""
        missing = [forms for forms in self.wanted if not any(_holds(read, form) for form in forms)]
        next_ones = {form[_begun(read, form)] for forms in missing for form in forms}
        if next_ones:
            scores[sorted(next_ones)] += self.lift
        if ends := next_ones & self.joined:
            scores[[token for token in range(len(scores)) if token not in ends]] = -torch.inf
        elif self.joined and any(_ends_with(read, form) for forms in self.wanted for form in forms):
            scores[sorted(self.joined)] = -torch.inf


def _holds(read: list[int], form: tuple[int, ...]) -> bool:
    return any(tuple(read[i : i + len(form)]) == form for i in range(len(read) - len(form) + 1))


def _ends_with(read: list[int], form: tuple[int, ...]) -> bool:
    return tuple(read[-len(form) :]) == form


def _begun(read: list[int], form: tuple[int, ...]) -> int:
    """Length of the longest proper prefix of ``form`` that the tokens ``read`` end with; 0 where there is none."""
    return next(n for n in range(len(form) - 1, -1, -1) if tuple(read[len(read) - n :]) == form[:n])


def _applied(
    rules: Rules | Sequence[Rules], scores: torch.Tensor, ids: torch.Tensor, images: list[int]
) -> torch.Tensor:
    """Apply the rules of each row's image."""
    if isinstance(rules, Rules):
        return rules.apply(scores, ids)
    rows = zip(images, scores.split(1), ids.split(1), strict=True)
    return torch.cat([rules[image].apply(one, read) for image, one, read in rows])


class Written(NamedTuple):
    """A caption.

    Args:
        ids: its tokens from the prompt's first to the end, or to the most that the rules allow.
        score: of beam search: mean log-probability, over all tokens but the end; None without.
    """

    ids: list[int]
    score: float | None = None


def write_greedily(reader: Reader, prompt: torch.Tensor, rules: Rules | Sequence[Rules]) -> list[Written]:
    """The likeliest token each time.

    Args:
        reader: has read nothing.
        prompt: (batch, n) tokens with which captions begin.
        rules: of the captions, or those of each; only what they mention may differ.
    """
    return _write(reader, prompt, rules, lambda scores: scores.argmax(dim=1))


def write_samples(
    reader: Reader,
    prompt: torch.Tensor,
    rules: Rules | Sequence[Rules],
    top_p: float = 0.9,
    generator: torch.Generator | None = None,
) -> list[Written]:
    """A random token of the likeliest ones each time, which have a probability of ``top_p`` together.

    Args:
        reader, prompt, rules: as for :func:`write_greedily`.
        top_p: over 0, at most 1 (Holtzman et al. 2020); the likeliest token always belongs to them.
        generator: of the random numbers, on the device of the prompt; torch's own where None.
    """

    def draw(scores: torch.Tensor) -> torch.Tensor:
        probabilities, order = scores.softmax(dim=1).sort(dim=1, descending=True)
        before = probabilities.cumsum(dim=1) - probabilities
        chosen = torch.multinomial(probabilities.masked_fill(before >= top_p, 0.0), 1, generator=generator)
        return order.gather(1, chosen)[:, 0]

    return _write(reader, prompt, rules, draw)


def _write(
    reader: Reader,
    prompt: torch.Tensor,
    rules: Rules | Sequence[Rules],
    choose: Callable[[torch.Tensor], torch.Tensor],
) -> list[Written]:
    common = rules if isinstance(rules, Rules) else rules[0]
    written: list[Written] = [Written([]) for _ in prompt]
    ids, images, logits = prompt, torch.arange(len(prompt), device=prompt.device), reader.read(prompt)
    while len(ids):
        chosen = choose(_applied(rules, logits.float(), ids, images.tolist()))
        ids = torch.cat([ids, chosen[:, None]], dim=1)
        done = chosen == common.end if ids.shape[1] < common.max_length else torch.ones_like(chosen, dtype=torch.bool)
        for image, row in zip(images[done].tolist(), ids[done].tolist(), strict=True):
            written[image] = Written(row)
        alive = (~done).nonzero()[:, 0]
        if not len(alive):
            break
        if len(alive) < len(done):
            reader.select(alive, alive)
            ids, images = ids[alive], images[alive]
        logits = reader.read(ids[:, -1:])
    return written


def search_beams(
    reader: Reader, prompt: torch.Tensor, rules: Rules | Sequence[Rules], beams: int
) -> list[Written]:
    """The best of several captions that are written side by side.

    A caption's score is its mean log-probability. An image is finished when it has as many captions that ended as
    there are beams, and its likeliest open one is no better than the worst of these.

    Args:
        reader, prompt, rules: as for :func:`write_greedily`.
        beams: captions that stay open at a time.
    """
    common = rules if isinstance(rules, Rules) else rules[0]
    device, best = prompt.device, [_Best(beams) for _ in prompt]
    images = torch.arange(len(prompt), device=device)
    logits = reader.read(prompt).repeat_interleave(beams, dim=0)
    reader.select(images.repeat_interleave(beams), images)
    ids = prompt.repeat_interleave(beams, dim=0)
    totals = torch.full((len(prompt), beams), -torch.inf, device=device)
    totals[:, 0] = 0.0  # all beams are equal as yet
    while True:
        rows_of = images.repeat_interleave(beams).tolist()
        scores = _applied(rules, F.log_softmax(logits.float(), dim=1), ids, rows_of)
        totals = totals[..., None] + scores.unflatten(0, (-1, beams))
        top = totals.flatten(1).topk(2 * beams)  # as each beam ends in one way only, half of them go on
        beam, token = top.indices // scores.shape[1], top.indices % scores.shape[1]
        rows, tokens, kept, alive = [], [], [], []
        length, last = ids.shape[1], ids.shape[1] + 1 == common.max_length
        for at, image in enumerate(images.tolist()):
            candidates = zip(top.values[at].tolist(), beam[at].tolist(), token[at].tolist(), strict=True)
            going_on = []
            for rank, (total, source, chosen) in enumerate(candidates):
                row = at * beams + source
                if chosen != common.end:
                    going_on.append((row, chosen, total))
                elif rank < beams:
                    best[image].add([*ids[row].tolist(), chosen], total / length)
                if len(going_on) == beams:
                    break
            if best[image].beats(float(top.values[at, 0]) / length):
                continue
            if last:
                for row, chosen, total in going_on:
                    best[image].add([*ids[row].tolist(), chosen], total / (length + 1))
                continue
            alive.append(at)
            rows += [row for row, _, _ in going_on]
            tokens += [chosen for _, chosen, _ in going_on]
            kept += [total for _, _, total in going_on]
        if not alive:
            return [each.caption for each in best]
        index, still = torch.tensor(rows, device=device), torch.tensor(alive, device=device)
        images, totals = images[still], torch.tensor(kept, device=device).unflatten(0, (-1, beams))
        ids = torch.cat([ids[index], torch.tensor(tokens, device=device)[:, None]], dim=1)
        reader.select(index, still)
        logits = reader.read(ids[:, -1:])


@dataclass
class _Best:
    """The best finished captions of an image, at most ``most``."""

    most: int
    found: list[tuple[float, list[int]]] = field(default_factory=list)

    def add(self, ids: list[int], score: float) -> None:
        self.found.append((score, ids))
        self.found = sorted(self.found, key=lambda pair: pair[0], reverse=True)[: self.most]

    def beats(self, score: float) -> bool:
        """Whether there are enough, and the worst has at least a score."""
        return len(self.found) == self.most and self.found[-1][0] >= score

    @property
    def caption(self) -> Written:
        score, ids = self.found[0]
        return Written(ids, score)
