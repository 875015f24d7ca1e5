"""Configuration of a captioner: sizes, special tokens and the limits of a caption."""

from __future__ import annotations

from dataclasses import dataclass

from ram.errors import InputError


@dataclass(frozen=True)
class CaptionerConfig:
    """The captioner of Tag2Text and RAM; the defaults are those of the official models.

    Args:
        hidden: width of the text states.
        heads: attention heads.
        intermediate: width of the feed-forward parts.
        encoder_layers: layers of the image-tag interaction encoder.
        decoder_layers: layers of the image-tag-text decoder.
        tied_layers: first layers of the interaction encoder whose cross-attention and feed-forward weights are those of
            the alignment decoder; 0 for none.
        shared_words: the interaction encoder embeds words as the text decoder does, with its weights.
        dropout: probability in training.
        vocabulary: number of tokens.
        positions: longest text, in tokens.
        begin: token that begins a caption, [DEC].
        tags: token that begins the tags, [ENC].
        end: token that ends both, [SEP].
        pad: token after the end of the shorter texts of a batch, [PAD].
        prompt: words with which every caption begins; they are not part of the result.
        separator: written between two tags.
        seen_separator: written between the tags that a person gives and those that are seen in the image, which
            the interaction encoder then reads apart: "ball ; dog | grass". Empty, as in the official models, for one
            list: given tags replace those that are seen.
        seen_tags: most tags that are seen, the likeliest ones; for a model that reads them apart.
        tag_tokens: most tokens of the tags, with their first and last.
        attend_padding: tags are padded to ``tag_tokens``, and the text decoder attends to the padding too, as in the
            published training; else to the tags alone.
        attend_image: the text decoder attends to the image tokens too, projected to its width. That of the papers does
            not: it sees the image only through the interaction encoder.
        min_length, max_length: tokens of a caption with its prompt and its first, where nothing else is asked for.
    """

    hidden: int = 768
    heads: int = 12
    intermediate: int = 3072
    encoder_layers: int = 12
    decoder_layers: int = 12
    tied_layers: int = 0
    shared_words: bool = False
    dropout: float = 0.1
    vocabulary: int = 30524
    positions: int = 512
    begin: int = 30522
    tags: int = 30523
    end: int = 102
    pad: int = 0
    prompt: str = "a picture of "
    separator: str = " | "
    seen_separator: str = ""
    seen_tags: int = 12
    tag_tokens: int = 40
    attend_padding: bool = True
    attend_image: bool = False
    min_length: int = 10
    max_length: int = 30

    def __post_init__(self) -> None:
        sizes = ("hidden", "heads", "intermediate", "encoder_layers", "decoder_layers", "min_length", "seen_tags")
        for name in sizes:
            if getattr(self, name) < 1:
                raise InputError(f"captioner.{name} is {getattr(self, name)}: it must be at least 1")
        if self.hidden % self.heads:
            raise InputError(f"captioner width {self.hidden} does not divide into {self.heads} heads")
        if not 0 <= self.dropout < 1:
            raise InputError(f"captioner.dropout is {self.dropout}: it must be at least 0 and under 1")
        if not 0 <= self.tied_layers <= self.encoder_layers:
            raise InputError(
                f"captioner.tied_layers is {self.tied_layers}: it must be between 0 and {self.encoder_layers}"
            )
        special = (self.begin, self.tags, self.end, self.pad)
        if len(set(special)) < len(special) or not all(0 <= token < self.vocabulary for token in special):
            raise InputError(
                f"captioner tokens begin, tags, end and pad are {', '.join(map(str, special))}: they must differ, and "
                f"be at least 0 and under the vocabulary's {self.vocabulary}"
            )
        if self.seen_separator and self.seen_separator.strip() in ("", self.separator.strip()):
            raise InputError(
                f"captioner.seen_separator is {self.seen_separator!r}: it must differ from the separator of two tags, "
                f"{self.separator!r}, in more than spaces"
            )
        if not 3 <= self.tag_tokens <= self.positions:
            raise InputError(f"captioner.tag_tokens is {self.tag_tokens}: it must be between 3 and {self.positions}")
        if not self.min_length <= self.max_length <= self.positions:
            raise InputError(
                f"captioner lengths are {self.min_length} to {self.max_length}: they must be in order and at most "
                f"{self.positions}"
            )
