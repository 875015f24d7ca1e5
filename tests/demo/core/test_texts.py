"""Texts by key: complete in every language, with the same holes, and known by what the package `ram` says."""

import copy
import json
import pickle
import re

import pytest
from PIL import Image

from demo.core.texts import PATTERNS, Text, fill, languages, recognise, say, sentence, texts, together
from ram.describers.fallback import describe_with_fallback
from ram.describers.loading import DESCRIBERS
from ram.describers.template import TemplateDescriber
from ram.errors import RamError
from ram.images.opening import open_image
from ram.images.size_limits import UPLOADS
from ram.text.names import MAX_NAME_LENGTH, parse_categories
from tests.paths import ROOT

HOLE = re.compile(r"\{(\w+)")
CALL = re.compile(r"""(?:say|input_error|wording|put)\(\s*[\w.]*,?\s*["'](\w+)["']""")
ALL = [*(ROOT / "demo").rglob("*.py"), *(ROOT / "demo").rglob("*.j2"), *(ROOT / "demo").rglob("*.js")]


def test_every_language_has_every_text_with_its_holes():
    assert set(languages()) == {"en", "de", "zh-CN"}
    for code, known in languages().items():
        assert set(known) == set(texts("en")) and all(known.values())
        for key, text in known.items():
            wanted, found = set(HOLE.findall(texts("en")[key])), set(HOLE.findall(text))
            assert found <= wanted and (found == wanted or key == "tags_spoken"), (code, key)
        assert known["language"] == code


def test_texts_are_translated():
    same = [key for key, text in texts("en").items() if text == texts("de")[key] == texts("zh-CN")[key]]
    assert len(same) < 12 and len(texts("en")) > 300


def test_every_text_is_used_and_every_text_asked_for_exists():
    source = "\n".join(path.read_text(encoding="utf-8") for path in ALL)
    asked = {key for key in CALL.findall(source)}
    assert asked - set(texts("en")) == set()
    quoted = set(re.findall(r"""["'](\w+)["']""", source)) | {name.replace("+", "_") for name in DESCRIBERS}
    composed = re.compile(r"(kind|term|at|one_says|both_say|all_say)_")
    unused = {key for key in texts("en") if key not in quoted and not composed.match(key) and PATTERNS not in key}
    assert unused == set()


def test_holes_are_filled_with_values_numbers_and_words():
    assert fill("{count} {count|photo|photos} of {total}", {"count": 1, "total": 12345}) == "1 photo of 12,345"
    assert fill("{count} {count|photo|photos}", {"count": 0}) == "0 photos"
    assert say("tags_counted", count=1) == "1 tag" and say("tags_counted", count=2) == "2 tags"
    assert together(["a"]) == "a" and together(["a", "b", "c"]) == "a, b and c"
    with pytest.raises(KeyError):
        say("no such text")


def test_a_text_knows_its_key_after_copies():
    text = say("link_bad_categories", error=sentence("no <b>way</b>"))
    for one in (text, copy.deepcopy(text), pickle.loads(pickle.dumps(text))):
        assert one.endswith("no <b>way</b>.") and isinstance(one, Text)
        expected = ["link_bad_categories", {"error": ["sentence", {"text": "no <b>way</b>"}]}]
        assert json.loads(one.specification) == expected


CATEGORIES = {
    "from_no_category": "", "from_names_none": "  ;, -", "from_too_many": ",".join(map(str, range(60))),
    "from_no_letter": "&", "from_too_long": "x" * (MAX_NAME_LENGTH + 1), "from_foreign_character": "a<b",
}  # fmt: skip


@pytest.mark.parametrize("given", CATEGORIES.values())
def test_what_is_said_of_categories_is_recognised(given):
    with pytest.raises(RamError) as raised:
        parse_categories(given)
    assert isinstance(recognise(str(raised.value)), Text), raised.value
    assert recognise(str(raised.value)) == str(raised.value)


def test_what_is_said_of_files_is_recognised(tmp_path):
    (tmp_path / "letter.png").write_bytes(b"Dear all,")
    (tmp_path / "drawing.png").write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "page.png").write_bytes(b"<!doctype html>")
    Image.new("1", (9000, 6000)).save(tmp_path / "large.png")
    keys = set()
    for path in tmp_path.iterdir():
        with pytest.raises(RamError) as raised:
            open_image(path, UPLOADS)
        keys.add(recognise(str(raised.value)).key)
    assert keys == {"from_no_picture", "from_svg", "from_web_page", "from_megapixels"}


def test_what_is_said_of_describers_is_recognised():
    class Forgetful(TemplateDescriber):
        def knows(self, tag):
            return False

    notices = [part for part in describe_with_fallback(Forgetful(), TemplateDescriber(), "zorb")]
    assert recognise(notices[0].text).key == "from_unknown_word"
    assert recognise("anything else") == "anything else" and not isinstance(recognise("anything else"), Text)
