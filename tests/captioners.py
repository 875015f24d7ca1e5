"""A captioner that learned nothing: its sentence names the tags that guide it, the mean of the tokens and the beams."""

from ram.tagger import Tagger


def sentence(tokens, tags, beams=3):
    """What is written about one image's tokens."""
    return f"a picture of {' and '.join(tags)} of {tokens.mean():.3f} by {beams}"


class NamesTags:
    """Stand-in for :class:`ram.caption_writing.CaptionWriter`; ``sizes`` are those of its batches."""

    reads_apart, most_seen = False, None

    def __init__(self):
        self.sizes = []

    def check(self, tags):
        """Every tag can be read."""

    def write(self, tokens, given, seen, known, beams=3, options=None):
        self.sizes.append(len(tokens))
        each = zip(tokens, given, seen, strict=True)
        return [sentence(one, own or tags, beams) for one, own, tags in each]


def let_caption(monkeypatch):
    """Give every tagger this captioner; return the sizes of the batches that it is asked for."""
    writer = NamesTags()
    monkeypatch.setattr(Tagger, "_writer", lambda tagger: writer)
    monkeypatch.setattr(Tagger, "has_captioner", True)
    return writer.sizes
