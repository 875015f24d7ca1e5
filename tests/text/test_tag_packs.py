"""A tag pack brings a vocabulary back as it was, and nothing that a stranger put in its place."""

import json

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from safetensors import safe_open

from ram.errors import PackError
from ram.models import text_encoder
from ram.text import tag_packs as packs
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import Origin, TagDescriptions
from ram.text.tag_packs import UPLOADS, PackLimits, load_pack, save_pack
from ram.text.vocabulary import TagVocabulary
from tests.tiny import DESCRIPTIONS, DIM, HashTextEncoder, tiny_bank, tiny_tagger


def pets():
    """Ragged, with thresholds and translations of its own, and a sentence that is not in ASCII."""
    descriptions = TagDescriptions(
        {"corgi": ["short legs", "a fox's face", "naïve eyes"], "Meteor shower": ["light"]},
        Origin("lexicon", "lexicon-1", "by hand"),
    )
    vocabulary = TagVocabulary(descriptions.tags, (0.31, 0.9), ("柯基犬", ""), ("object", "scene"))
    return TagEmbeddingBank.build(descriptions, HashTextEncoder(), vocabulary)


@pytest.fixture
def pack(tmp_path):
    save_pack(tmp_path / "pets.tagpack", pets(), HashTextEncoder())
    return tmp_path / "pets.tagpack"


def rewrite(pack, tensors=None, **header):
    """The pack with some of it changed by hand."""
    with safe_open(pack, "pt") as file:
        kept, texts = tensors or {"embeddings": file.get_tensor("embeddings")}, file.metadata()
    safetensors.torch.save_file(kept, pack, metadata=texts | header)


def entries(*changes, **common):
    """The tags of a header: a good entry for each change."""
    good = {"tag": "corgi", "threshold": 0.5, "descriptions": ["a", "b", "c", "d"]} | common
    return json.dumps([good | change for change in changes or ({},)])


def load(pack, limits=packs.OWN_FILES):
    return load_pack(pack, "hash", DIM, limits)


def test_a_loaded_pack_equals_the_saved_bank(pack):
    bank, loaded = pets(), load(pack)
    assert loaded.vocabulary == bank.vocabulary and loaded.descriptions == bank.descriptions
    assert torch.equal(loaded.mask, bank.mask)
    torch.testing.assert_close(loaded.embedded.embeddings.float(), bank.embedded.embeddings, atol=5e-4, rtol=0)
    assert list(pack.parent.iterdir()) == [pack]


def test_a_pack_is_a_safetensors_file_in_16_bit(pack):
    with safe_open(pack, "pt") as file:
        assert list(file.keys()) == ["embeddings"]
        vectors, texts = file.get_tensor("embeddings"), file.metadata()
    assert vectors.dtype == torch.float16 and vectors.shape == (4, DIM)
    assert (texts["text_encoder"], texts["fingerprint"]) == ("hash", HashTextEncoder.fingerprint)
    assert json.loads(texts["tags"])[0] == {
        "tag": "corgi", "threshold": 0.31, "descriptions": ["short legs", "a fox's face", "naïve eyes"],
        "translation": "柯基犬", "kind": "object",
    }  # fmt: skip


def test_a_packed_category_scores_as_a_typed_one(tmp_path):
    tagger = tiny_tagger()
    typed = tagger.embed({"corgi": ["short legs", "the face of a fox"], "kite": ["a toy on a string"]})
    tagger.save_pack(tmp_path / "a.tagpack", typed)
    noise = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    features, packed = tagger.look(Image.fromarray(noise)), tagger.load_pack(tmp_path / "a.tagpack")
    found, wanted = tagger.score(features, tagger.bank.join(packed)), tagger.score(features, typed)
    assert found.vocabulary.tags == (*DESCRIPTIONS, "corgi", "kite")
    for tag in ("corgi", "kite"):
        assert found[tag].probability == pytest.approx(wanted[tag].probability, abs=1e-3)


def test_a_ram_model_keeps_the_first_description_of_a_pack(pack):
    def missing():
        raise AssertionError("the text encoder was made")

    bank = tiny_tagger(max_descriptions=1, text_encoder=missing).load_pack(pack)
    assert bank.sentences == [("short legs",), ("light",)] and bank.embedded.mask is None
    assert bank.vocabulary.thresholds == (0.31, 0.9)
    torch.testing.assert_close(
        bank.embedded.embeddings[0, 0].float(), HashTextEncoder.vector("short legs"), atol=5e-4, rtol=0
    )


def test_a_pack_for_another_text_encoder_is_refused(pack):
    with pytest.raises(
        PackError, match="'pets.tagpack' is for models that read 'hash', this one reads 'clip-vit-b-16'"
    ):
        load_pack(pack, "clip-vit-b-16", DIM)


def test_a_pack_by_other_weights_of_the_text_encoder_is_refused(pack, monkeypatch):
    monkeypatch.setitem(text_encoder.FINGERPRINTS, "hash", "sha256")
    with pytest.raises(PackError, match="other weights of 'hash'"):
        load(pack)
    rewrite(pack, fingerprint="sha256")
    assert len(load(pack)) == 2


def test_a_bank_that_cannot_be_packed_is_an_error(tmp_path):
    clip = HashTextEncoder()
    clip.name = "clip-vit-b-16"
    with pytest.raises(ValueError, match="the bank is of 'hash'"):
        save_pack(tmp_path / "a.tagpack", tiny_bank(), clip)
    with pytest.raises(ValueError, match="rename it 'corgi'"):
        save_pack(tmp_path / "a.tagpack", tiny_bank({" corgi": ["a"]}), HashTextEncoder())
    assert list(tmp_path.iterdir()) == []


def test_a_pack_that_is_missing_is_named(tmp_path):
    with pytest.raises(PackError, match="'no.tagpack' cannot be read: No such file"):
        load(tmp_path / "no.tagpack")


def test_a_pack_cut_short_anywhere_is_refused(pack):
    whole = pack.read_bytes()
    for length in (*range(0, 200, 7), len(whole) - 1):
        pack.write_bytes(whole[:length])
        with pytest.raises(PackError, match="is no usable tag pack"):
            load(pack)


def test_a_changed_header_byte_is_refused_or_harmless(pack):
    whole = bytearray(pack.read_bytes())
    for place in range(0, len(whole) - 4 * DIM * 2, 3):
        changed = whole.copy()
        changed[place] ^= 0x15
        pack.write_bytes(changed)
        try:
            assert len(load(pack)) == 2
        except PackError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    "tags",
    [
        entries({"tag": ""}),
        entries({"tag": "a\u202eb"}),
        entries({"tag": "a  b"}),
        entries({"tag": "..."}),
        entries({"tag": "x" * 61}),
        entries({"tag": 7}),
        entries({"descriptions": ["a", "b"]}, {"descriptions": ["c", "d"]}),
        entries({"descriptions": []}),
        entries({"descriptions": "abcd"[:3]}),
        entries({"descriptions": [1, 2, 3, 4]}),
        entries({"descriptions": ["a", "b", "c", "d" * 2001]}),
        entries({"threshold": 1.1}),
        entries({"threshold": float("nan")}),
        entries({"threshold": 10**400}),
        entries({"threshold": None}),
        entries({"translation": 3}),
        "[]", "{}", "7", "[7]", "[" * 100_000, "\ud800".encode("utf-8", "replace").decode(),
    ],
)  # fmt: skip
def test_invalid_texts_are_refused_in_one_sentence(pack, tags):
    rewrite(pack, tags=tags)
    with pytest.raises(PackError, match="is no usable tag pack .*make it again with `ram pack`") as caught:
        load(pack)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize("field, text", [("origin", "[]"), ("origin", '{"by": "me"}'), ("format", "ram tag pack 2")])
def test_an_invalid_header_is_refused(pack, field, text):
    rewrite(pack, **{field: text})
    with pytest.raises(PackError, match="is no usable tag pack"):
        load(pack)


def test_embeddings_that_are_not_unit_vectors_are_refused(pack):
    good = torch.nn.functional.normalize(torch.randn(4, DIM), dim=1).half()
    for wrong in (float("nan"), float("inf"), 2.0):
        bad = good.clone()
        bad[2, 3] = wrong
        rewrite(pack, {"embeddings": bad})
        with pytest.raises(PackError, match="not of length 1"):
            load(pack)
    for tensors in (
        {"embeddings": good.float()}, {"embeddings": good[:3]}, {"embeddings": good[:, :8].contiguous()},
        {"embeddings": good, "more": good.clone()}, {"vectors": good},
    ):  # fmt: skip
        rewrite(pack, tensors)
        with pytest.raises(PackError, match="is no usable tag pack"):
            load(pack)
    rewrite(pack, {"embeddings": good})
    assert len(load(pack)) == 2


def test_misleading_characters_are_removed_from_texts(pack):
    rewrite(pack, tags=entries({"descriptions": ["a\x1b[31m", "b\u202ec", "d\n e", "f"], "translation": "\x07g"}))
    bank = load(pack)
    assert bank.sentences == [("a[31m", "bc", "d e", "f")] and bank.vocabulary.translations == ("g",)


def test_a_pack_over_a_limit_is_refused(pack):
    size = pack.stat().st_size
    fits = PackLimits(file=size, header=size, tags=2, cells=6)
    assert len(load(pack, fits)) == 2
    for name, sentence in (
        ("file", "larger than"), ("header", "texts are longer"), ("tags", "2 tags are more than 1"),
        ("cells", "2 tags with up to 3 descriptions"),
    ):  # fmt: skip
        tight = PackLimits(**{**vars(fits), name: vars(fits)[name] // 2})
        with pytest.raises(PackError, match=sentence):
            load(pack, tight)


def test_one_tag_with_many_descriptions_cannot_fill_memory(tmp_path):
    """Few bytes in the file would be many once every tag has room for as many descriptions as the first."""
    wide = {"a": [str(i) for i in range(100)]} | {f"tag {i}": ["one"] for i in range(200)}
    save_pack(tmp_path / "wide.tagpack", tiny_bank(wide), HashTextEncoder())
    with pytest.raises(PackError, match="201 tags with up to 100 descriptions are too many"):
        load(tmp_path / "wide.tagpack", UPLOADS)


def test_a_pack_of_words_that_no_encoder_reads_is_refused(pack):
    rewrite(pack, tags=entries({"tag": "кошка", "descriptions": ["фото кошки", "a photo of a кошка.", "к", "кот"]}))
    with pytest.raises(PackError, match="the text encoder cannot read 'кошка'"):
        load(pack)
