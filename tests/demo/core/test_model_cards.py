"""Cards of the shipped models have what a visitor asks first, word for word from their folders."""

import pytest

from demo.core.model_cards import SECTIONS, read_card
from ram.checkpoints.registry import shipped_models


@pytest.mark.parametrize("name", shipped_models())
def test_a_shipped_model_has_every_section(name):
    folder = shipped_models()[name]
    card = read_card(name, folder)
    assert tuple(card.sections) == SECTIONS and card.summary.endswith(".")
    written = " ".join((folder / "README.md").read_text(encoding="utf-8").replace("`", "").replace("**", "").split())
    assert card.summary in written and "---" not in card.summary
    for blocks in card.sections.values():
        for block in blocks:
            for row in block.rows:
                assert all(cell in written for cell in row)
    (table,) = [block for block in card.sections["Evaluation"] if block.kind == "table"]
    assert {len(row) for row in table.rows} == {2} and len(table.rows) > 4
    (limits,) = card.sections["Limits"]
    assert limits.kind == "list" and len(limits.rows) > 2


def test_a_folder_without_a_card_has_none(tmp_path):
    assert read_card("mine", tmp_path) is None
    (tmp_path / "README.md").write_text("# mine\n\nA [model](https://a.example) of `mine`.\n\n## Other\n\ntext\n")
    assert read_card("mine", tmp_path).summary == "A model of mine."
