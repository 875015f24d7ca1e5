"""The workbench tags, describes, scores and explains without a page."""

import dataclasses
import io
import logging

import pytest
import torch
from PIL import Image

from demo.core.categories import Categories
from demo.core.messages import UNEXPECTED, message
from demo.core.workbench import Workbench, throttle
from ram.describers.base import Describer
from ram.errors import DescriberError, ImageError, InputError, MissingKeyError
from ram.tagger import Tagger
from tests.tiny import HashTextEncoder, tiny_bank, tiny_config, tiny_model


class FixedDescriber(Describer):
    """A describer with fixed sentences; an exception among them is raised."""

    name = "lexicon"
    fingerprint = "fixed"

    def __init__(self, *parts, name="lexicon"):
        self.name = name
        self.parts = parts

    def describe(self, tag):
        for part in self.parts:
            if isinstance(part, Exception):
                raise part
            yield part.format(tag)


LEXICON = FixedDescriber("a photo of a {}.", "what one sees of a {}")


def tagger(name, max_descriptions=None, seed=0):
    """A tiny tagger that counts in ``looks`` how often its image encoder ran."""
    config = dataclasses.replace(tiny_config(max_descriptions), name=name)
    made = Tagger(config, tiny_model(config, seed), tiny_bank(), HashTextEncoder)
    made.looks = []
    made.model.image_encoder.register_forward_hook(lambda *_: made.looks.append(name))
    return made


@pytest.fixture
def taggers():
    return tagger("plus"), tagger("plain", max_descriptions=1, seed=1)


@pytest.fixture
def bench(taggers):
    return Workbench(taggers, {"lexicon": LEXICON}.__getitem__)


def photo_file(folder, name="photo.png", colour="red", **options):
    path = folder / name
    Image.new("RGB", (80, 40), colour).save(path, **options)
    return path


def looked_at(bench, path):
    return list(bench.tag(path))[-1].photo


def typed(bench, text, describer="lexicon"):
    return list(bench.describe(text, describer))[-1]


def test_tags_come_before_the_second_model_looks(bench, taggers, tmp_path):
    path = photo_file(tmp_path)
    expected = taggers[0].tag(path)
    for each in taggers:
        each.looks.clear()
    steps = bench.tag(path)
    first = next(steps)
    assert {s.tag: s.probability for s in first.prediction} == {s.tag: s.probability for s in expected}
    assert taggers[1].looks == []
    (second,) = steps
    assert set(second.photo.features) == {"plus", "plain"}


def test_typed_categories_never_run_the_image_encoder(bench, taggers, tmp_path):
    photo = looked_at(bench, photo_file(tmp_path))
    for text in ("corgi", "meteor shower, corgi", "kite"):
        bench.score(photo, typed(bench, text))
    assert [each.looks for each in taggers] == [["plus"], ["plain"]]


def test_scores_of_typed_categories_equal_the_taggers(bench, taggers, tmp_path):
    path = photo_file(tmp_path)
    scores = bench.score(looked_at(bench, path), typed(bench, "corgi, meteor shower"))
    for each in taggers:
        bank = each.embed({tag: [part.format(tag) for part in LEXICON.parts] for tag in ("corgi", "meteor shower")})
        expected = each.score(each.look(path), bank)
        assert scores[each.name].vocabulary.tags == ("corgi", "meteor shower")
        for tag in ("corgi", "meteor shower"):
            assert scores[each.name][tag].probability == pytest.approx(expected[tag].probability, abs=1e-6)
            assert scores[each.name][tag].descriptions[0].text == expected[tag].descriptions[0].text


def test_a_typed_tag_has_its_threshold_and_two_scores(bench, taggers, tmp_path):
    bank = taggers[0].bank
    tag = bank.vocabulary.tags[0]
    photo, categories = looked_at(bench, photo_file(tmp_path)), typed(bench, f"{tag}, corgi")
    scores = bench.score(photo, categories)
    assert scores["plus"][tag].threshold == photo.prediction[tag].threshold
    assert bench.scored_twice(scores).keys() == {tag}
    same = bench.score(photo, bench.open_tag(tag))
    assert bench.scored_twice(same) == {}
    assert same["plus"][tag].probability == pytest.approx(photo.prediction[tag].probability, abs=1e-6)


def test_ram_uses_one_description_and_ram_plus_all(bench, tmp_path):
    scores = bench.score(looked_at(bench, photo_file(tmp_path)), typed(bench, "corgi"))
    assert [d.text for d in scores["plain"]["corgi"].descriptions] == ["a photo of a corgi."]
    assert len(scores["plus"]["corgi"].descriptions) == 2


def test_a_new_photo_is_scored_with_earlier_categories(bench, tmp_path):
    categories = typed(bench, "corgi")
    noise = Image.effect_noise((90, 60), 90).convert("RGB")
    noise.save(tmp_path / "other.png")
    one = bench.score(looked_at(bench, photo_file(tmp_path)), categories)
    two = bench.score(looked_at(bench, tmp_path / "other.png"), categories)
    assert one["plus"]["corgi"].probability != two["plus"]["corgi"].probability


def test_categories_without_a_photo_are_described_only(bench):
    categories = typed(bench, "corgi")
    assert [s.text for s in categories.sentences["corgi"]] == ["a photo of a corgi.", "what one sees of a corgi"]
    assert categories.finished == {"corgi"}
    assert bench.score(None, categories) == {}


def test_sentences_stream_one_category_after_the_other(bench):
    seen = [(sum(map(len, s.sentences.values())), sorted(s.finished)) for s in bench.describe("corgi, kite", "lexicon")]
    assert seen == [
        (0, []), (1, []), (2, []), (2, ["corgi"]), (3, ["corgi"]), (4, ["corgi"]), (4, ["corgi", "kite"]),
    ]  # fmt: skip


def test_the_lexicon_replaces_a_describer_that_fails(taggers):
    failing = FixedDescriber("a {} from afar", DescriberError("The language model is away."), name="openai")
    bench = Workbench(taggers, {"lexicon": LEXICON, "openai": failing}.__getitem__)
    categories = typed(bench, "corgi", "openai")
    assert len(categories.messages) == 1
    assert "language model is away" in categories.messages[0] and "lexicon" in categories.messages[0]
    told = [(s.text, s.origin) for s in categories.sentences["corgi"]]
    assert told[0] == ("a corgi from afar", "openai")
    assert told[1:] == [("a photo of a corgi.", "lexicon"), ("what one sees of a corgi", "lexicon")]
    assert categories.finished == {"corgi"}


def test_the_lexicon_replaces_a_describer_without_a_key(taggers):
    def make(name):
        if name == "openai":
            raise MissingKeyError("The openai describer needs a key.")
        return LEXICON

    categories = typed(Workbench(taggers, make), "corgi", "openai")
    assert categories.messages == ("The openai describer needs a key. The lexicon describer takes over.",)
    assert {s.origin for s in categories.sentences["corgi"]} == {"lexicon"}


@pytest.mark.parametrize("text", ["", "  , ,", "x" * 61, ", ".join(map(str, range(21)))])
def test_invalid_categories_get_a_sentence(bench, text):
    with pytest.raises(InputError) as problem:
        next(bench.describe(text, "lexicon"))
    sentence = message(problem.value)
    assert sentence.endswith(".") and len(sentence) > 20 and "\n" not in sentence


@pytest.mark.parametrize("content", [b"", b"hello", b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_an_invalid_image_gets_a_sentence_with_its_name(bench, tmp_path, content):
    path = tmp_path / "holiday.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageError) as problem:
        next(bench.tag(path))
    assert message(problem.value).startswith("holiday.jpg ")


def test_a_truncated_image_is_an_error(bench, tmp_path):
    whole = io.BytesIO()
    Image.effect_noise((200, 200), 80).save(whole, "JPEG")
    path = tmp_path / "cut.jpg"
    path.write_bytes(whole.getvalue()[:2000])
    with pytest.raises(ImageError):
        next(bench.tag(path))


def test_the_preview_is_upright_small_and_without_transparency(bench, tmp_path):
    turned = Image.Exif()
    turned[274] = 6  # rotated by 90 degrees
    path = photo_file(tmp_path, "turned.jpg", exif=turned)
    assert next(bench.tag(path)).preview.size == (40, 80)
    Image.new("RGBA", (3000, 1500), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    preview = next(bench.tag(tmp_path / "clear.png")).preview
    assert preview.size == (1024, 512)
    assert preview.getpixel((0, 0)) == (255, 255, 255)


def test_programming_errors_are_logged_and_not_shown(caplog):
    with caplog.at_level(logging.ERROR):
        assert message(RuntimeError("secret detail")) == UNEXPECTED
    assert "secret detail" in caplog.text
    assert message(ValueError("internal shape (3, 4)")) == UNEXPECTED


def test_throttling_never_skips_a_finished_category(bench):
    times = iter([0.0, 0.01, 0.02, 0.03, 0.2, 0.21, 0.22])
    shown = list(throttle(bench.describe("corgi, kite", "lexicon"), seconds=0.05, clock=lambda: next(times)))
    assert [(sum(map(len, s.sentences.values())), len(s.finished)) for s in shown] == [(0, 0), (2, 1), (3, 1), (4, 2)]


def test_features_are_kept_on_the_cpu(bench, tmp_path):
    photo = looked_at(bench, photo_file(tmp_path))
    assert {features.tokens.device for features in photo.features.values()} == {torch.device("cpu")}


def test_models_are_labelled_by_kind_or_by_name(taggers):
    assert Workbench(taggers, LEXICON.describe).labels == {"plus": "RAM++", "plain": "RAM"}
    twins = [tagger("a"), tagger("b")]
    assert Workbench(twins, LEXICON.describe).labels == {"a": "a", "b": "b"}
    with pytest.raises(ValueError, match="'a'"):
        Workbench([twins[0], twins[0]], LEXICON.describe)


def test_one_model_is_enough(tmp_path):
    bench = Workbench([tagger("plus")], {"lexicon": LEXICON}.__getitem__)
    scores = bench.score(looked_at(bench, photo_file(tmp_path)), typed(bench, "corgi"))
    assert list(scores) == ["plus"]


def test_warming_up_loads_encoders_and_fallback(taggers):
    made = []
    bench = Workbench(taggers, lambda name: made.append(name) or LEXICON)
    bench.warm_up()
    assert made == ["lexicon"]
    encoders = [each.text_encoder for each in taggers]
    assert all(encoder.asked for encoder in encoders)
    typed(bench, "corgi")
    assert made == ["lexicon"]
    assert [each.text_encoder for each in taggers] == encoders


def test_a_failed_warm_up_is_only_logged(taggers, caplog):
    def make(name):
        raise DescriberError("the word lists cannot be read")

    Workbench(taggers, make).warm_up()
    assert "word lists" in caplog.text


def test_sentences_left_out_together_are_scored_for_real(bench, taggers, tmp_path):
    lexicon = FixedDescriber("a photo of a {}.", "there is a {}.", "what one sees of a {}", "more of a {}")
    bench = Workbench(taggers, {"lexicon": lexicon}.__getitem__)
    photo, categories = looked_at(bench, photo_file(tmp_path)), typed(bench, "corgi")
    named = categories.by_name("corgi")
    assert named == ("a photo of a corgi.", "there is a corgi.")
    rest = taggers[0].embed({"corgi": ["what one sees of a corgi", "more of a corgi"]})
    expected = taggers[0].score(photo.features["plus"], rest)["corgi"].probability
    assert bench.probability_without(photo, categories, "corgi", named) == pytest.approx(expected, abs=1e-6)
    one = bench.probability_without(photo, categories, "corgi", named[:1])
    assert one == pytest.approx(float(bench.explain(photo, categories, "corgi").without[0]), abs=1e-6)
    assert bench.probability_without(photo, categories, "corgi", categories.enabled("corgi")) is None
    assert bench.probability_without(photo, categories, "corgi", ()) is None
    assert bench.probability_without(None, categories, "corgi", named) is None


def test_new_categories_are_not_finished():
    assert Categories(("corgi",)).finished == frozenset()


def test_a_name_of_a_predefined_tag_becomes_that_tag(taggers):
    main = taggers[0]
    tags = main.bank.vocabulary.tags
    translated = dataclasses.replace(main.bank.vocabulary, translations=("狗", "", "松树"))
    taggers[0]._set_bank(dataclasses.replace(main.bank, vocabulary=translated))
    bench = Workbench(taggers, {"lexicon": LEXICON}.__getitem__)
    categories = typed(bench, "Pine_Tree, 狗, DOG, Corgi")
    assert set(tags) >= {"pine tree", "dog"}
    assert categories.names == ("pine tree", "dog", "Corgi")
    assert categories.messages == ('The predefined tag for "狗" is "dog".',)


def test_categories_with_equal_embeddings_are_one_finding(taggers, tmp_path):
    bench = Workbench(taggers, {"lexicon": FixedDescriber("a seat for several")}.__getitem__)
    categories = typed(bench, "sofa, corgi, couch")
    assert categories.messages == ('The text encoder reads "corgi" and "couch" as "sofa": only "sofa" is scored.',)
    for prediction in bench.score(looked_at(bench, photo_file(tmp_path)), categories).values():
        assert prediction.vocabulary.tags == ("sofa",)


def test_sentences_of_unknown_words_are_not_embedded(taggers, tmp_path):
    bench = Workbench(taggers, {"lexicon": FixedDescriber("a photo of ⁂{}.")}.__getitem__)
    categories = typed(bench, "corgi, kite")
    assert categories.messages == ('The text encoder cannot read "corgi" and "kite": describe it in English.',)
    assert categories.banks == {} and bench.score(looked_at(bench, photo_file(tmp_path)), categories) == {}


def test_a_sentence_in_another_script_is_refused(bench):
    with pytest.raises(InputError, match='cannot read "猫": write the sentence in English'):
        typed(bench, "corgi").add("corgi", "a photo of a 猫")


def test_a_photo_that_lacks_its_last_bytes_is_tagged_with_a_notice(bench, tmp_path):
    path = photo_file(tmp_path, "cut.jpg")
    path.write_bytes(path.read_bytes()[:-2])
    assert next(bench.tag(path)).notices == ("cut.jpg lacks its last bytes: it is used as it is",)


def test_a_photo_over_the_limit_of_the_page_is_refused(bench, tmp_path):
    Image.new("L", (9000, 6000)).save(tmp_path / "large.jpg")
    with pytest.raises(ImageError, match="over 50 megapixels"):
        next(bench.tag(tmp_path / "large.jpg"))


def test_an_edited_category_is_not_described_again(bench, taggers):
    before = bench.embed(typed(bench, "corgi, kite").rewrite("corgi", 1, "a dog with short legs"))
    for each in taggers:
        each.text_encoder.asked.clear()
    *_, after = bench.describe("kite, corgi", "lexicon", edited={"corgi": before})
    assert after.enabled("corgi") == before.enabled("corgi") and after.finished == {"corgi", "kite"}
    assert after.enabled("kite") == before.enabled("kite")
    asked = [text for each in taggers for texts in each.text_encoder.asked for text in texts]
    assert not [text for text in asked if "corgi" in text or "short legs" in text]
    assert after.banks["plus"].descriptions["corgi"] == before.banks["plus"].descriptions["corgi"]
    assert after.reset("corgi").enabled("corgi") == before.reset("corgi").enabled("corgi")
