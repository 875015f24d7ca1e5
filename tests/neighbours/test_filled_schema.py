"""Answers in the form that programs ask for, checked with the schemas they send."""

import pytest
from pydantic import BaseModel

from ram.errors import InputError
from ram.neighbours.filled_schema import Answer
from ram.prediction import TagScore

ANSWER = Answer([TagScore("dog", 0.9, 0.5), TagScore("pine tree", 0.6, 0.5)])


class Label(BaseModel):
    name: str
    confidence: float
    kinds: list[str] = []
    sensitive: bool


class Labels(BaseModel):
    labels: list[Label]
    caption: str | None
    count: int


def test_a_schema_of_pydantic_is_filled():
    filled = Labels.model_validate(ANSWER.fill(Labels.model_json_schema()))  # raises where a field is missing or wrong
    assert [label.name for label in filled.labels] == ["dog", "pine tree"]
    assert filled.labels[0].confidence == 0.9 and not filled.labels[0].sensitive and filled.count == 2
    assert filled.caption == "dog, pine tree"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "array", "items": {"type": "string"}}, ["dog", "pine tree"]),
        ({"type": "array", "maxItems": 1, "items": {"type": "string"}}, ["dog"]),
        ({"type": "array", "items": {"enum": ["pine tree", "car"]}}, ["pine tree"]),
        ({"enum": ["car", "pine tree"]}, "pine tree"),
        ({"type": ["null", "string"]}, "dog, pine tree"),
        ({"properties": {"tags": {"type": "array"}}}, {"tags": ["dog", "pine tree"]}),
        ({"const": 1}, 1),
        ({"$ref": "#/$defs/gone"}, None),
        ({"anyOf": [{"type": "null"}]}, None),
        ({"type": "array", "items": 3}, [None, None]),
    ],
)
def test_parts_of_a_schema(schema, value):
    assert ANSWER.fill(schema) == value


def test_a_schema_that_refers_to_itself_ends():
    looped = {"$ref": "#/$defs/a", "$defs": {"a": {"type": "object", "properties": {"next": {"$ref": "#/$defs/a"}}}}}
    depth, value = 0, ANSWER.fill(looped)
    while value is not None:
        depth, value = depth + 1, value["next"]
    assert 1 < depth < 20
    assert ANSWER.fill({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}) is None


def test_a_schema_that_refers_to_itself_several_times_is_refused_at_once():
    parts = {name: {"$ref": "#/$defs/a"} for name in "abcdef"}
    with pytest.raises(InputError, match="more than 100,000 values"):
        ANSWER.fill({"$ref": "#/$defs/a", "$defs": {"a": {"type": "object", "properties": parts}}})
