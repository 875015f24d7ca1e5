"""Answer in the JSON form that a program asks a language model for.

Programs send a JSON schema, as Ollama and OpenAI take it. The tags fill its lists, their names the texts in them, their
probabilities the numbers, and what is asked once for the whole image gets the caption or the list of tags.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ram.errors import InputError
from ram.prediction import TagScore

DEEPEST = 12
"""Levels of a schema that are followed; a schema that refers to itself ends there."""
MOST = 100_000
"""Values of an answer: one that refers to itself several times has many within few levels."""


@dataclass(frozen=True)
class Answer:
    """Tags of an image, with a caption where one was written.

    Args:
        scores: the tags to give, most probable first.
        caption: one sentence; None where no caption was written.
    """

    scores: Sequence[TagScore]
    caption: str | None = None

    @property
    def text(self) -> str:
        """The caption, or the tags with commas between them."""
        return self.caption if self.caption is not None else ", ".join(score.tag for score in self.scores)

    def labels(self) -> dict[str, Any]:
        """The form that photo programs ask for where they send no schema."""
        return {
            "labels": [
                {"name": one.tag, "confidence": round(one.probability, 4), "topicality": round(one.probability, 4)}
                for one in self.scores
            ]
        }

    def fill(self, schema: Mapping[str, Any]) -> Any:
        """A value of the schema: objects, lists, texts, numbers and booleans are filled, anything else is null.

        Raises:
            InputError: it would have more than :data:`MOST` values.
        """
        return self._fill(schema, schema, None, DEEPEST, iter(range(MOST)))

    def _fill(
        self, schema: Any, root: Mapping[str, Any], score: TagScore | None, deepest: int, left: Iterator[int]
    ) -> Any:
        if next(left, None) is None:
            raise InputError(f"the schema asks for more than {MOST:,} values: ask for fewer")
        schema = _resolved(schema, root)
        if deepest == 0 or not schema:
            return None
        if "const" in schema:
            return schema["const"]
        kind = schema.get("type", "object" if "properties" in schema else "string")
        kind = next((one for one in kind if one != "null"), "null") if isinstance(kind, list) else kind
        if kind == "object":
            properties = schema.get("properties") or {}
            return {name: self._fill(part, root, score, deepest - 1, left) for name, part in properties.items()}
        if kind == "array":
            if score is not None:  # a list within an item, such as the categories of a label
                return []
            listed = self.scores[: schema.get("maxItems")]
            allowed = set(_resolved(schema.get("items"), root).get("enum") or ())
            items = schema.get("items") or {"type": "string"}
            chosen = [one for one in listed if not allowed or one.tag in allowed]
            return [self._fill(items, root, one, deepest - 1, left) for one in chosen]
        if kind in ("number", "integer"):
            value = score.probability if score else float(len(self.scores))
            return round(value) if kind == "integer" else round(value, 4)
        if kind == "boolean":
            return False
        if kind == "string":
            return score.tag if score else self._one_of(schema.get("enum"))
        return None

    def _one_of(self, choices: Sequence[Any] | None) -> Any:
        """A text for the whole image: of some choices the most probable, else all there is to say."""
        if not choices:
            return self.text
        return next((score.tag for score in self.scores if score.tag in choices), choices[0])


def _resolved(schema: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema without references into ``$defs`` and without alternatives: the first that is not null."""
    for _ in range(DEEPEST):
        if not isinstance(schema, Mapping):
            return {}
        if isinstance(reference := schema.get("$ref"), str):
            schema = (root.get("$defs") or root.get("definitions") or {}).get(reference.rpartition("/")[2])
        elif alternatives := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
            schema = next((one for one in alternatives if one != {"type": "null"}), None)
        else:
            return schema
    return {}
