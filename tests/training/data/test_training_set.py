"""What a run looks at: captions stay with their pictures, tags get their descriptions, caches are reused."""

import json

import pytest
import torch
import torch.nn.functional as F

from ram.describers.wording import plain_prompt
from ram.errors import InputError, TextEncoderError
from ram.images.opening import open_image
from ram.labels.label_system import shipped_descriptions, shipped_vocabulary
from ram.training.data.sources import label_system
from ram.training.data.training_set import TrainingSet, read_dev_set, read_training_set
from ram.training.data.triplets import Source, Triplets
from ram.training.data.views import PatchSource, PixelSource, transforms
from ram.training.data_engine.detected_tags import DetectedTags
from ram.training.data_engine.imagenet import class_names
from ram.training.recipe import DataRecipe, GeneratedRecipe
from tests.tiny import DIM, HashTextEncoder, tiny_bank, tiny_model
from tests.toy_run import COLOURS, make_data, toy_model, toy_recipe, use_hash_text_encoder, use_sure_classifier


def quiet(what, done, total):
    """A progress callback that says nothing."""


@pytest.fixture
def data(tmp_path, monkeypatch):
    use_hash_text_encoder(monkeypatch)
    return make_data(tmp_path / "data", train=6, dev=3)


@pytest.fixture
def output(tmp_path):
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


def read(recipe, data, output):
    return read_training_set(recipe, data, output, output, tiny_model(recipe.model).image_encoder, quiet)


def captioned(*counts):
    """Pictures with so many captions each; a caption's embedding is (picture, number of the caption)."""
    rows = [(picture, number) for picture, count in enumerate(counts) for number in range(count)]
    none = ((),) * len(counts)
    triplets = Triplets.of([Source("toy", ("",) * len(counts), tuple(("",) * n for n in counts), none)], 1)
    first = torch.tensor([0, *counts]).cumsum(0)
    return TrainingSet(triplets, None, tiny_bank(), torch.tensor(rows, dtype=torch.float32), first)


def test_drawn_captions_are_the_images_own_and_distinct():
    counts = (5, 2, 3, 1)
    training, generator = captioned(*counts), torch.Generator().manual_seed(0)
    ids = torch.tensor([3, 0, 2, 1, 0])
    for each in (1, 2, 3):
        for _ in range(50):
            drawn, has = training.draw_captions(ids, each, generator)
            assert drawn.shape == (5, each, 2) and has.all()
            for picture, rows in zip(ids.tolist(), drawn.tolist(), strict=True):
                assert {row[0] for row in rows} == {picture}
                assert len({row[1] for row in rows}) == min(each, counts[picture])


def test_every_caption_is_drawn_in_time():
    training, generator = captioned(5, 2), torch.Generator().manual_seed(0)
    drawn = torch.cat([training.draw_captions(torch.tensor([0, 1]), 1, generator)[0][:, 0] for _ in range(200)])
    assert set(map(tuple, drawn.tolist())) == {(0, 0), (0, 1), (0, 2), (0, 3), (0, 4), (1, 0), (1, 1)}


def test_pictures_without_captions_are_told_apart():
    training = captioned(0, 2, 0, 1, 0)
    drawn, has = training.draw_captions(torch.arange(5), 2, torch.Generator())
    assert has.tolist() == [False, True, False, True, False]
    assert drawn[1, :, 0].tolist() == [1, 1] and drawn[3, :, 0].tolist() == [3, 3]


def test_each_caption_is_embedded_in_the_place_of_its_picture(data, output):
    training = read(toy_recipe(), data, output)
    for picture, captions in enumerate(training.triplets.captions):
        start, end = training.first_caption[picture : picture + 2].tolist()
        wanted = torch.stack([HashTextEncoder.vector(caption) for caption in captions])
        torch.testing.assert_close(training.captions[start:end], wanted)


def test_embedded_captions_are_kept(data, output, monkeypatch):
    first = read(toy_recipe(), data, output).captions
    encoder = HashTextEncoder()
    monkeypatch.setattr("ram.training.data.training_set.build_text_encoder", lambda name: encoder)
    assert torch.equal(read(toy_recipe(), data, output).captions, first)
    assert not any("beside" in sentence for sentences in encoder.asked for sentence in sentences)


def test_kept_captions_of_another_number_are_embedded_again(data, output):
    read(toy_recipe(), data, output)
    next(output.glob("patches-*.npy")).unlink()
    (data / "train.json").write_text(json.dumps(json.loads((data / "train.json").read_text())[:4]))
    assert read(toy_recipe(), data, output).captions.shape == (8, DIM)


def test_an_interrupted_write_leaves_no_captions(data, output, monkeypatch):
    def killed(tensors, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("ram.training.data.training_set.save_file", killed)
        read(toy_recipe(), data, output)
    assert not any(output.glob("captions-*.safetensors"))
    assert read(toy_recipe(), data, output).captions.shape == (12, DIM)


def test_captions_are_not_read_where_no_objective_needs_them(data, output):
    recipe = toy_recipe(objectives={"tagging": 1.0})
    training = read(recipe, data, output)
    drawn, has = training.draw_captions(torch.arange(6), 2, torch.Generator())
    assert not has.any() and drawn.shape == (6, 2, DIM) and not any(output.glob("captions-*.safetensors"))


def test_objectives_that_need_captions_are_refused_without(data, output):
    entries = [{**entry, "caption": []} for entry in json.loads((data / "train.json").read_text())]
    (data / "train.json").write_text(json.dumps(entries))
    with pytest.raises(ValueError, match="the triplets hold no caption"):
        read(toy_recipe(), data, output)


def test_a_captions_teacher_needs_no_caption_objective(data, output):
    recipe = toy_recipe(objectives={"tagging": 1.0, "distillation": 1.0}, teacher="captions")
    training = read(recipe, data, output)
    wanted = sum(HashTextEncoder.vector(caption) for caption in training.triplets.captions[4])
    torch.testing.assert_close(training.teacher.teach(torch.tensor([4]))[0], F.normalize(wanted, dim=0))
    assert read(toy_recipe(), data, output).teacher is None


@pytest.mark.parametrize("freeze_backbone", [True, False])
def test_the_classifier_teaches_what_it_sees_in_the_plain_view(data, output, monkeypatch, freeze_backbone):
    weight, bias = 4 * torch.randn(1000, 256), torch.randn(1000)
    monkeypatch.setattr("ram.training.data.class_reading.load_classifier", lambda name: (weight, bias))
    recipe = toy_recipe(
        objectives={"distillation": 1.0}, freeze_backbone=freeze_backbone, teacher="classifier", pretrained=True
    )
    encoder = tiny_model(recipe.model).image_encoder
    training = read_training_set(recipe, data, output, output, encoder, quiet)
    evaluation, _ = transforms(recipe.model.image)
    with torch.inference_mode():
        patches = encoder.patches(evaluation(open_image(training.triplets.pictures[2]))[None])
    names = torch.stack([HashTextEncoder.vector(plain_prompt(names[0])) for names in class_names()])
    expected = (patches.mean(1) @ weight.T + bias).softmax(1) @ names
    taught = training.teacher.teach(torch.tensor([2]))
    assert F.cosine_similarity(taught, expected).item() > 0.99  # cached patches are in 16 bit
    assert taught.norm().item() == pytest.approx(1, abs=1e-5)


def test_generated_classes_are_queries_but_not_tags(data, output, monkeypatch):
    use_sure_classifier(monkeypatch, [504, 717])  # coffee mug, pickup
    (data / "exclude.txt").write_text("pickup\n")
    recipe = toy_recipe(pretrained=True, generated=GeneratedRecipe(0.3, exclude="exclude.txt"))
    training = read(recipe, data, output)
    assert training.bank.vocabulary.tags == tuple(COLOURS)
    assert training.queries.vocabulary.tags == (*COLOURS, "coffee mug")
    assert training.triplets.targets.shape == training.triplets.known.shape == (6, len(COLOURS) + 1)
    assert training.triplets.targets[:, -1].all()
    mug = training.queries.embedded.embeddings[-1][training.queries.mask[-1]]
    wanted = torch.stack([HashTextEncoder.vector(s) for s in training.queries.descriptions["coffee mug"]])
    torch.testing.assert_close(mug.float(), wanted, atol=1e-3, rtol=0)
    report = json.loads((output / "generated.json").read_text())
    assert report["classes"] == {"coffee mug": 6} and report["left out"] == ["pickup"]


def test_a_detector_adds_tags_and_says_which_are_absent(data, output):
    plain = read(toy_recipe(), data, output).triplets
    images = tuple(f"pictures/train{number}.png" for number in range(6))
    probabilities = torch.tensor([[1.0, 0.0], *[[0.0, 0.0]] * 5])
    DetectedTags(("red", "blue"), {}, images, probabilities).save(data / "seen.json")
    training = read(toy_recipe(generated=GeneratedRecipe(detected="seen.json")), data, output)
    red, blue, green = (list(COLOURS).index(tag) for tag in ("red", "blue", "green"))
    targets, known = training.draw_tags(torch.arange(6), torch.arange(6))
    assert targets[0, red] and torch.equal(targets[1:], plain.targets[:][1:])
    assert known[:, [red, blue]].all() and torch.equal(known[:, green], plain.known[:][:, green])


def test_a_file_of_detections_that_is_not_there_stops_the_run(data, output):
    with pytest.raises(InputError, match=r"no file of detections seen\.json"):
        read(toy_recipe(generated=GeneratedRecipe(detected="seen.json")), data, output)


def test_without_generated_tags_the_queries_are_the_bank(data, output):
    training = read(toy_recipe(), data, output)
    assert training.queries is training.bank and not (output / "generated.json").exists()


def test_a_frozen_backbone_is_cached_and_a_learning_one_is_not(data, output):
    assert isinstance(read(toy_recipe(freeze_backbone=False), data, output).pictures, PixelSource)
    assert not any(output.glob("patches-*"))
    training = read(toy_recipe(views=3), data, output)
    assert isinstance(training.pictures, PatchSource) and training.pictures.cache.shape[:2] == (3, 6)


def test_the_held_out_pictures_are_seen_plainly_once(data, output):
    recipe = toy_recipe(views=3)
    training, encoder = read(recipe, data, output), tiny_model(recipe.model).image_encoder
    dev = read_dev_set(recipe, data, output, output, training, encoder, quiet)
    assert len(dev.triplets) == 3 and dev.pictures.cache.shape[:2] == (1, 3)


def test_the_bank_holds_the_very_numbers_that_are_stored(data, output):
    bank = read(toy_recipe(), data, output).bank
    assert bank.vocabulary.tags == tuple(COLOURS)
    assert bank.descriptions["red"] == ("a photo of something red.", "all red", "red paint")
    wanted = torch.stack([HashTextEncoder.vector(sentence) for sentence in bank.descriptions["red"]]).half()
    assert torch.equal(bank.embedded.embeddings[0], wanted)


def test_text_statistics_cover_descriptions_and_captions(data, output):
    training = read(toy_recipe(), data, output)
    sentences = [s for tag in COLOURS for s in training.bank.descriptions[tag]]
    sentences += [s for captions in training.triplets.captions for s in captions]
    vectors = torch.stack([HashTextEncoder.vector(s) for s in sentences])
    mean, std = training.text_statistics()
    torch.testing.assert_close(mean, vectors.mean(0), atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(std, vectors.std(0), atol=1e-3, rtol=1e-3)


def test_a_model_must_have_the_width_of_its_text_encoder(data, output):
    model = toy_model()
    narrow = type(model)(**{**vars(model), "dim": 8})
    with pytest.raises(ValueError, match="model.dim is 8: hash needs 16"):
        read(toy_recipe(narrow), data, output)


def test_a_text_encoder_that_cannot_be_had_stops_the_run_first(data, output, monkeypatch):
    def missing(name):
        raise TextEncoderError("no encoder")

    monkeypatch.setattr("ram.training.data.training_set.build_text_encoder", missing)
    with pytest.raises(TextEncoderError):
        read(toy_recipe(), data, output)


def test_shipped_tags_begin_with_the_plain_prompt(tmp_path):
    vocabulary, descriptions = label_system(DataRecipe(("a",), ("a",)), tmp_path)
    assert vocabulary.tags == shipped_vocabulary().tags
    assert descriptions["dog"] == ("a photo of a dog.", *shipped_descriptions()["dog"])


def test_template_descriptions_are_the_plain_prompt_alone(tmp_path):
    vocabulary, descriptions = label_system(DataRecipe(("a",), ("a",), descriptions="template"), tmp_path)
    assert descriptions.tags == vocabulary.tags and set(map(len, descriptions.values())) == {1}


def test_a_tag_without_a_description_is_named(data):
    (data / "descriptions.json").write_text('[{"red": ["all red"]}]')
    with pytest.raises(ValueError, match='"green" is not described'):
        label_system(toy_recipe().data, data)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"猫": ["猫"], "狗": ["a photo of a 狗."]}, 'cannot read "狗", "猫"'),
        ({"猫": ["a seat"], "狗": ["a seat"]}, 'reads "猫" as "狗": they would be one finding'),
    ],
)
def test_own_labels_that_are_one_to_the_encoder_are_refused(written, sentence, data, output):
    (data / "own.csv").write_text("pictures/0.png,猫\npictures/1.png,狗\n", encoding="utf-8")
    (data / "own.json").write_text(json.dumps([written]), encoding="utf-8")
    recipe = toy_recipe()
    own = DataRecipe(labels=("own.csv",), vocabulary="own", descriptions="own.json", plain_prompt=False)
    recipe = type(recipe)(**{**vars(recipe), "data": own, "objectives": {"tagging": 1.0}})
    with pytest.raises(InputError, match=sentence):
        read(recipe, data, output)
