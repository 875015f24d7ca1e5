"""The official tags as a vocabulary by name: fetched, checked, described offline, embedded once, and scored."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest
from PIL import Image

import ram
import ram.checkpoints.published
import ram.models.build
from ram.checkpoints.model_folder import save_model
from ram.checkpoints.registry import RAM_LISTS, VOCABULARIES
from ram.errors import DownloadError, InputError, TextEncoderError
from ram.models.build import build_text_encoder
from ram.models.config import LEARNED
from tests.hub_server import serving
from tests.tiny import DESCRIPTIONS, HashTextEncoder, tiny_bank, tiny_config, tiny_model, tiny_tagger

NAMES = ("dog", "crane", "zzxqv", "Pine Tree", "t shirt", "t-shirt", "T shirt")
CHINESE = ("狗", "起重机", "不明", "松树", "t恤", "t恤", "t恤")
SCORED = NAMES[:-1]
"""The last one is to the text encoder what an earlier one is."""


class Uncased(HashTextEncoder):
    """Reads capitals as small letters, as MiniLM does, and counts what it embeds."""

    embedded = 0

    def encode(self, sentences):
        Uncased.embedded += len(sentences)
        return super().encode([sentence.lower() for sentence in sentences])


def digest(lines):
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@pytest.fixture
def hub(online, monkeypatch, tmp_path):
    """A server with a short list in the official form, spaces and line ends included."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setitem(ram.models.build.TEXT_ENCODERS, "hash", lambda *placed: Uncased())
    monkeypatch.setattr(Uncased, "embedded", 0)
    pinned = {RAM_LISTS.names: digest(NAMES), RAM_LISTS.translations: digest(CHINESE)}
    lists = dataclasses.replace(RAM_LISTS, count=len(NAMES), digests=pinned)
    monkeypatch.setitem(VOCABULARIES, "official", lists)
    files = {
        "/lists/ram_tag_list.txt": "\r\n".join(NAMES).encode(),
        "/lists/ram_tag_list_chinese.txt": "".join(f"{name} \n" for name in CHINESE).encode(),
    }
    with serving(files) as hub:
        monkeypatch.setattr(ram.checkpoints.published, "LISTS_URL", f"{hub.url}/lists")
        yield hub


@pytest.fixture
def model(tmp_path):
    save_model(tmp_path / "model", tiny_config(), tiny_model(), tiny_bank().with_thresholds((0.7, 0.2, 0.9)))
    return str(tmp_path / "model")


@pytest.fixture
def photo(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def pack(tmp_path):
    """The only pack in the cache."""
    (file,) = (tmp_path / "cache" / "ram" / "vocabularies").iterdir()
    return file


def test_official_tags_are_scored_by_name(hub, model, photo):
    tagger = ram.load(model, device="cpu", vocabulary="official")
    vocabulary, sentences = tagger.bank.vocabulary, dict(zip(SCORED, tagger.bank.sentences, strict=True))
    assert vocabulary.tags == SCORED and vocabulary.translations == CHINESE[:-1]
    assert vocabulary.thresholds == (0.7, 0.5, 0.5, 0.9, 0.5, 0.5)
    assert sentences["dog"] == DESCRIPTIONS["dog"] and sentences["Pine Tree"] == DESCRIPTIONS["pine tree"]
    assert "a crane, a kind of machine." in sentences["crane"] and "a photo of a zzxqv." in sentences["zzxqv"]
    described = tagger.embed(["crane"])
    alone = tagger.score(tagger.look(photo), described)["crane"].probability
    assert tagger.tag(photo)["crane"].probability == pytest.approx(alone, abs=1e-3)  # the cache is in 16 bit


def test_the_second_time_needs_neither_network_nor_text_encoder(hub, model, tmp_path):
    shown = []
    first = ram.load(model, device="cpu", vocabulary="official", progress=lambda *now: shown.append(now))
    assert ("describing tags", 6, 7) in shown and [what for what, *_ in shown].count("embedding sentences") == 1
    made, asked = Uncased.embedded, len(hub.asked)
    hub.down = True
    second = ram.load(model, device="cpu", vocabulary="official")
    assert second.bank.vocabulary == first.bank.vocabulary and second.bank.sentences == first.bank.sentences
    assert (Uncased.embedded, len(hub.asked)) == (made, asked) and made > 0
    assert "1 of 7 tags are not in the lexicon" in pack(tmp_path).read_bytes().decode(errors="replace")
    pack(tmp_path).write_bytes(b"broken")
    third = ram.load(model, device="cpu", vocabulary="official")
    assert third.bank.sentences == first.bank.sentences and Uncased.embedded == 2 * made


def test_a_ram_model_gets_one_sentence_of_each(hub):
    bank = tiny_tagger(1, tiny_bank({"dog": ["a dog."]}), Uncased).load_vocabulary("official")
    assert bank.vocabulary.tags == SCORED and bank.sentences[:2] == [("a dog.",), ("a photo of a crane.",)]


def test_a_model_that_knows_all_tags_embeds_none(hub, tmp_path):
    own = tiny_bank({name: [f"about {name.lower()}"] for name in ("more", *reversed(NAMES))})
    bank = tiny_tagger(bank=own, text_encoder=Uncased).load_vocabulary("official")
    assert bank.vocabulary.tags == SCORED and bank.sentences[1] == ("about crane",)
    assert bank.vocabulary.translations == CHINESE[:-1]
    assert not Uncased.embedded and not (tmp_path / "cache" / "ram" / "vocabularies").exists()


def test_a_model_that_knows_no_tag_describes_all(hub):
    bank = tiny_tagger(bank=tiny_bank({"kite": ["a kite."]}), text_encoder=Uncased).load_vocabulary("official")
    assert bank.vocabulary.tags == SCORED and set(bank.vocabulary.thresholds) == {0.5}


def test_a_tag_of_the_model_is_one_official_tag(hub):
    own = tiny_bank({"t-shirt": ["about t-shirts"], "zzxqv": ["about z"]})
    bank = tiny_tagger(bank=own, text_encoder=Uncased).load_vocabulary("official")
    sentences = dict(zip(bank.vocabulary.tags, bank.sentences, strict=True))
    assert sentences["t-shirt"] == ("about t-shirts",) and "a photo of a t shirt." in sentences["t shirt"]


def test_the_command_scores_official_tags_in_chinese(hub, model, photo, ended):
    command = ("tag", photo, "--model", model, "--vocabulary", "official", "--json", "--threshold", "0")
    code, out, err = ended(*command, "--translations")
    assert code == 0, err
    found = {score["tag"]: score["translation"] for score in json.loads(out)[0]["scores"]}
    assert found == dict(zip(SCORED, CHINESE, strict=False))
    code, out, err = ended(*command, "--tags", "狗, cat, corgi")
    scores = {score["tag"]: score["threshold"] for score in json.loads(out)[0]["scores"]}
    assert set(scores) == {*SCORED, "cat", "corgi"}, err
    shown = {score["tag"]: score for score in json.loads(out)[0]["scores"]}
    assert [d["text"] for d in shown["cat"]["descriptions"]] == list(DESCRIPTIONS["cat"])
    code, out, err = ended(*command, "--tags", "狗", "--only")
    assert [score["tag"] for score in json.loads(out)[0]["scores"]] == ["dog"], err


def test_another_list_is_refused_in_one_sentence(hub, model, photo, tmp_path, ended):
    hub.files["/lists/ram_tag_list.txt"] = "\n".join([*NAMES[:-1], "cat"]).encode()
    code, out, err = ended("tag", photo, "--model", model, "--vocabulary", "official")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"ram_tag_list.txt arrived with digest {digest([*NAMES[:-1], 'cat'])[:12]}" in err
    assert not (tmp_path / "cache" / "ram" / "vocabularies").exists()
    hub.files["/lists/ram_tag_list.txt"] = "\n".join(NAMES).encode()
    assert ended("tag", photo, "--model", model, "--vocabulary", "official")[0] == 0


def test_a_list_that_changed_in_the_cache_is_fetched_again(hub, model, tmp_path):
    ram.load(model, device="cpu", vocabulary="official")
    stored = tmp_path / "cache" / "ram" / "downloads" / "ram_tag_list.txt"
    stored.write_bytes(b"\xff" + stored.read_bytes())
    assert ram.load(model, device="cpu", vocabulary="official").bank.vocabulary.tags == SCORED
    assert stored.read_text().split() == " ".join(NAMES).split()


def test_without_a_network_one_sentence_says_what_to_do(hub, model, photo, ended, monkeypatch):
    hub.down = True
    own_tags = "or score tags of your own: `ram pack tags.txt -o own.tagpack`"
    for offline in (False, True):
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", offline)
        code, out, err = ended("tag", photo, "--model", model, "--vocabulary", "official")
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "the vocabulary 'official' is not here yet: " in err and own_tags in err and "convert" not in err
        assert ("HF_HUB_OFFLINE forbids fetching it" in err) == offline


def test_other_names_and_models_without_texts_are_refused(hub, photo, ended):
    with pytest.raises(InputError, match="there is no vocabulary 'coco': choose official, or score tags of your own"):
        tiny_tagger().load_vocabulary("coco")
    code, _, err = ended("tag", photo, "--vocabulary", "coco")
    assert (code, err.count("\n")) == (2, 1) and "official" in err
    with pytest.raises(TextEncoderError, match="Tag2Text knows only the tags it was trained on"):
        tiny_tagger(text_encoder=lambda: build_text_encoder(LEARNED)).load_vocabulary("official")


def test_the_pinned_digests_are_those_of_the_lists(shared):
    folder = shared / "data" / "official_lists"
    for name, pinned in RAM_LISTS.digests.items():
        lines = [line.strip() for line in (folder / name).read_text(encoding="utf-8").splitlines()]
        assert len(lines) == RAM_LISTS.count and digest(lines) == pinned
    assert set(RAM_LISTS.digests) == {RAM_LISTS.names, RAM_LISTS.thresholds, RAM_LISTS.translations}


def test_a_list_of_the_official_names_is_no_other(hub, tmp_path):
    for lines in (NAMES[:-1], (*NAMES, "more")):
        hub.files["/lists/ram_tag_list.txt"] = "\n".join(lines).encode()
        with pytest.raises(DownloadError, match=f"has {len(lines)} lines and not 7"):
            tiny_tagger(text_encoder=Uncased).load_vocabulary("official")
