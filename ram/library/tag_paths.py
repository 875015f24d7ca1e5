"""The path of a tag for `lr:hierarchicalSubject`: "object|animal|dog|corgi", in any language."""

from __future__ import annotations

from ram.labels.tag_names import TagNames
from ram.labels.tag_tree import shipped_tree
from ram.text.vocabulary import TagVocabulary

SEPARATOR = "|"


class TagPaths:
    """Gives the path of each tag.

    Args:
        vocabulary: whose kinds count for tags that the shipped tables do not have.
        names: of all that is above a tag, in another language.
    """

    def __init__(self, vocabulary: TagVocabulary | None = None, names: TagNames | None = None) -> None:
        self._vocabulary = vocabulary or TagVocabulary((), ())
        self._names = names or TagNames({})

    def __call__(self, tag: str) -> str:
        """All that is above a tag, and the tag, in English; the tag alone where its kind is not known."""
        above = shipped_tree().above(tag)
        if not above and self._vocabulary.kinds and tag in self._vocabulary:
            above = tuple(filter(None, [self._vocabulary.kinds[self._vocabulary.id(tag)]]))
        return SEPARATOR.join([*(self._names[one] for one in above), tag])
