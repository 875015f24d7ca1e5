"""Tags and captions as ids for a captioner, and back."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ram.models.captioner_config import CaptionerConfig
from ram.text.wordpiece import WordPiece


class CaptionText:
    """The text side of a captioner.

    Args:
        config: special tokens, prompt and lengths.
        words: the vocabulary.
    """

    def __init__(self, config: CaptionerConfig, words: WordPiece) -> None:
        self.config = config
        self.words = words
        self.prompt = [config.begin, *words.encode(config.prompt)]
        """Ids with which every caption begins."""

    def tags(self, tags: Sequence[Sequence[str]], seen: Sequence[Sequence[str]] | None = None) -> torch.Tensor:
        """(batch, m) ids of each image's tags, joined in order: [ENC] dog | red bus [SEP], padded.

        What is over ``config.tag_tokens`` is cut off, as in the published model.

        Args:
            tags: those that guide the caption.
            seen: those that are seen in each image, for a captioner that reads them apart: [ENC] ball ; dog | grass
                [SEP]. The first ``config.seen_tags`` are read.
        """
        config = self.config
        texts = [config.separator.join(each) for each in tags]
        if config.seen_separator:
            others = [()] * len(texts) if seen is None else [each[: config.seen_tags] for each in seen]
            joined = [config.separator.join(each) for each in others]
            texts = [given + config.seen_separator + each for given, each in zip(texts, joined, strict=True)]
        ids = [self.words.encode(text)[: config.tag_tokens - 2] for text in texts]
        return self._padded([[config.tags, *each, config.end] for each in ids])

    def captions(self, captions: Sequence[str], most: int = 40) -> torch.Tensor:
        """(batch, n) ids of captions for training: [DEC] a picture of, the caption, [SEP], padded.

        The prompt is put before each caption, whose end is cut off where n would be over ``most``.
        """
        kept = most - 1 - len(self.prompt)
        return self._padded([[*self.prompt, *self.words.encode(text)[:kept], self.config.end] for text in captions])

    def read(self, ids: Sequence[int]) -> str:
        """The caption that was written, without the prompt."""
        return self.words.decode(ids[len(self.prompt) :]).strip()

    def _padded(self, rows: list[list[int]]) -> torch.Tensor:
        longest = max(map(len, rows), default=0)
        ids = torch.full((len(rows), longest), self.config.pad, dtype=torch.long)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row)
        return ids
