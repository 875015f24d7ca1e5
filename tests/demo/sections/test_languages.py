"""Every label is there in every language."""

import json
import re

from demo.sections.languages import translations, wording
from demo.views.render import TRANSLATIONS
from tests.paths import ROOT

LABELS = json.loads(TRANSLATIONS.read_text(encoding="utf-8"))


def test_every_language_has_every_label():
    assert set(LABELS) == {"en", "de", "zh-CN"}
    for labels in LABELS.values():
        assert set(labels) == set(LABELS["en"]) and all(labels.values())
    differing = [key for key, label in LABELS["en"].items() if label != LABELS["de"][key] != LABELS["zh-CN"][key]]
    assert len(differing) > 20


def test_every_label_that_is_asked_for_exists_and_is_used():
    sources = [*(ROOT / "demo" / "sections").glob("*.py"), ROOT / "demo" / "page.py"]
    asked = {key for path in sources for key in re.findall(r'wording\("(\w+)"\)', path.read_text(encoding="utf-8"))}
    assert asked == set(LABELS["en"])


def test_a_label_travels_as_its_key():
    """With a prefix, because gradio would take its own words for keys such as "code"."""
    assert '"page_code"' in str(wording("code"))
    assert translations().translations_dict["de"]["page_code"] == LABELS["de"]["code"]
