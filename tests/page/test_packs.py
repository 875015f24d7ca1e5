"""Tag packs on the page in a real browser."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from ram.checkpoints.registry import find_model
from ram.models.text_encoder import FINGERPRINTS
from ram.text.bank import TagEmbeddingBank
from ram.text.tag_packs import save_pack
from tests.page.visits import ask, choose, compare

ENCODER = "minilm-l6"


@pytest.fixture
def pack(tmp_path) -> Path:
    """Two predefined tags of the shipped model, with its own embeddings."""
    bank = TagEmbeddingBank.load(find_model("ram-plus-lite"), ENCODER).select(["dog", "grass"])
    encoder = SimpleNamespace(name=ENCODER, fingerprint=FINGERPRINTS[ENCODER])
    save_pack(tmp_path / "pets.tagpack", bank, encoder)
    return tmp_path / "pets.tagpack"


def give(page, file):
    page.locator("input[type=file][accept*='tagpack']").set_input_files(file)


def test_tags_of_a_pack_are_added_and_scored(page, pack):
    choose(page, "dogs.jpg")
    ask(page, "kite")
    compare(page)
    give(page, pack)
    page.locator("#cards .card[data-category='dog'] .chip").first.wait_for()
    names = page.locator("#cards h3").all_text_contents()
    assert names == ["kite", "dog", "grass"]
    page.locator("#cards").get_by_text("sentences by pets.tagpack").first.wait_for()
    page.locator("#plot .wide svg text", has_text="grass").first.wait_for()


def test_an_invalid_pack_gets_a_sentence_and_loses_nothing(page, tmp_path):
    ask(page, "kite")
    compare(page)
    odd = tmp_path / "odd.tagpack"
    odd.write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ")
    give(page, odd)
    page.locator("#typed-notice").get_by_text("'odd.tagpack' is no usable tag pack").wait_for()
    assert page.locator("#cards h3").all_text_contents() == ["kite"]
