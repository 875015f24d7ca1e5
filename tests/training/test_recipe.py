"""A recipe says everything, and every mistake in it is named."""

import dataclasses
import subprocess
import sys

import pytest

from ram.checkpoints.model_folder import load_model
from ram.checkpoints.registry import PUBLISHED, find_model, swin_config
from ram.models.config import ModelConfig
from ram.training.recipe import DataRecipe, Recipe, ScheduleRecipe
from ram.training.schedule import learning_rate
from tests.paths import ROOT

WHOLE = """
pretrained = false

[model]
name = "tiny"
text_encoder = "minilm-l6"
dim = 384
image = {backbone = "test_efficientnet", size = 64}

[data]
triplets = ["a.json", "b.json"]
pictures = ["a", "b"]

[schedule]
epochs = 3
batch = 8
learning_rate = 1e-3

[objectives]
tagging = 1
alignment = 0.5
"""


@pytest.fixture
def load(tmp_path):
    """Read the recipe with one line of it replaced."""

    def load(old="", new=""):
        assert old in WHOLE
        path = tmp_path / "mine.toml"
        path.write_text(WHOLE.replace(old, new, 1) if old else WHOLE)
        return Recipe.load(path)

    return load


def test_a_recipe_is_what_its_file_says_and_else_the_defaults(load):
    model = {"name": "tiny", "text_encoder": "minilm-l6", "dim": 384}
    assert load() == Recipe(
        ModelConfig.from_dict({**model, "image": {"backbone": "test_efficientnet", "size": 64}}),
        DataRecipe(("a.json", "b.json"), ("a", "b")),
        ScheduleRecipe(epochs=3, batch=8, learning_rate=1e-3),
        {"tagging": 1, "alignment": 0.5},
        pretrained=False,
    )


SHIPPED = {path.stem: path for path in (ROOT / "ram/training/recipes").glob("*.toml")}
SWIN = sorted(name for name in SHIPPED if "swin" in name)


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_shipped_recipes_can_be_read_and_open_with_their_command(name):
    assert Recipe.load(SHIPPED[name]).model.name
    command = SHIPPED[name].read_text().splitlines()[0]
    assert f"train ram/training/recipes/{name}.toml" in command or f"train {name} " in command


@pytest.mark.parametrize("name", SWIN)
def test_the_papers_models_are_trained_as_they_are_published(name):
    recipe = Recipe.load(SHIPPED[name])
    if recipe.model.name in PUBLISHED:
        assert recipe.model == PUBLISHED[recipe.model.name].config
    else:  # the pretraining of one that is published at 384 pixels
        published = PUBLISHED[recipe.model.name.removesuffix("-224")].config
        backbone = published.image.backbone.replace("window12_384", "window7_224")
        image = swin_config(recipe.model.name, backbone, 224).image
        assert recipe.model == dataclasses.replace(published, name=recipe.model.name, image=image)
    captioned, texts = "plus" not in name, "tag2text" not in name
    with_texts = {"distillation"} | ({"alignment"} if "plus" in name else set())
    joint = {"captioning"} if captioned else set()
    assert set(recipe.objectives) == {"tagging"} | joint | (with_texts if texts else set())
    assert recipe.losses.tagging_scaled_to == ("captioning" if captioned else "")


@pytest.mark.parametrize("name", [name for name in SWIN if name.endswith("-finetune")])
def test_fine_tuning_begins_where_pretraining_ends(name):
    before = SHIPPED[name.replace("finetune", "pretrain")]
    text = before.read_text()
    assert Recipe.load(SHIPPED[name]).initialize == f"{before.stem}/model" and f"--output DATA/{before.stem} " in text


def test_pretraining_recipes_have_the_papers_learning_rate():
    schedule = Recipe.load(SHIPPED["ram-plus-swin-base-pretrain"]).schedule
    epoch = 14_000_000 // schedule.batch
    rates = [learning_rate(step, 5 * epoch, schedule) for step in (1499, 2999, epoch - 1, epoch, 5 * epoch - 1)]
    assert rates == pytest.approx([5e-5, 1e-4, 1e-4, 9e-5, 1e-4 * 0.9**4])


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("epochs = 3", "epochs = 0", "schedule.epochs is 0"),
        ("epochs = 3", "epochs = 'ten'", "schedule.epochs is 'ten'"),
        ("epochs = 3", "", r"schedule lacks the fields \['epochs'\]"),
        ("batch = 8", "batch = -1", "schedule.batch is -1"),
        ("batch = 8", "batch = 8\ncaptions_per_picture = 0", "schedule.captions_per_picture is 0"),
        ("batch = 8", "batch = 8\ntags_per_step = -2", "schedule.tags_per_step is -2"),
        ("batch = 8", "batch = 8\nnegatives = -1", "schedule.negatives is -1"),
        ("batch = 8", "batch = 8\nwarmup = 1.0", "schedule.warmup is 1.0"),
        ("batch = 8", "batch = 8\naverage = nan", "schedule.average is nan"),
        ("batch = 8", "batch = 8\nclip = 0", "schedule.clip is 0"),
        ("batch = 8", "batch = 8\nweight_decay = -0.1", "schedule.weight_decay is -0.1"),
        ("batch = 8", "batch = 8\nprecision = 'float8'", "schedule.precision is 'float8'"),
        ("batch = 8", "batch = 8\naccumulate = 3", "schedule.batch is 8: it must divide into 3 equal pieces"),
        ("batch = 8", "batch = 8\naccumulate = 0", "schedule.accumulate is 0"),
        ("batch = 8", "batch = 8\nlog_every = 0", "schedule.log_every is 0"),
        ("batch = 8", "batch = 8\nsave_minutes = -1", "schedule.save_minutes is -1"),
        ("batch = 8", "batch = 8\nwarmup_steps = -1", "schedule.warmup_steps is -1"),
        ("batch = 8", "batch = 8\ndecay = 'linear'", "schedule.decay is 'linear'"),
        ("batch = 8", "batch = 8\ndecay = 1.1", "schedule.decay is 1.1"),
        ("batch = 8", "batch = 8\nbackbone_rate = 0", "schedule.backbone_rate is 0"),
        ("batch = 8", "batch = 8\ncheckpointing = true", "schedule.checkpointing is for a backbone that learns"),
        ("batch = 8", "batch = 8\nbacth = 8", r"schedule has unknown fields \['bacth'\]"),
        ("learning_rate = 1e-3", "learning_rate = nan", "schedule.learning_rate is nan"),
        ("learning_rate = 1e-3", "learning_rate = 0.0", "schedule.learning_rate is 0.0"),
        ('pictures = ["a", "b"]', 'pictures = ["a"]', "data.triplets names 2 files and data.pictures 1"),
        ('triplets = ["a.json", "b.json"]', 'triplets = "a."', "data.triplets is 'a.'"),
        ('pictures = ["a", "b"]', 'pictures = ["a", "b"]\nviews = 0', "data.views is 0"),
        ('pictures = ["a", "b"]', 'pictures = ["a", "b"]\ndev = ["d.json"]', r"data.dev is \['d.json'\]"),
        ("dim = 384", "dim = 0", "width is 0"),
        ("size = 64", "size = 64, colour = 3", r"model.image has unknown fields \['colour'\]"),
        ("[data]", "[date]", r"unknown fields \['date'\]"),
        ("tagging = 1", "taging = 1", r"objectives \['taging'\] are unknown"),
        ("tagging = 1", "tagging = 'much'", "objectives.tagging is 'much'"),
        ("tagging = 1", "tagging = -1", "objectives.tagging is -1"),
        ("tagging = 1\nalignment = 0.5", "", "objectives are empty"),
        ("pretrained = false", "pretrained = 'no'", "pretrained is 'no'"),
        ("[objectives]", "[losses]\ntagging = 'asll'\n[objectives]", "losses.tagging is 'asll': choose one of"),
        ("tagging = 1", "tagging = 1\ndistillation = 1", "teacher is '': the objective distillation needs one of"),
        ("[data]", "[generated]\nthreshold = 0\n[data]", "generated.threshold is 0.0: it must be over 0"),
        ("[data]", "[generated]\nthreshold = 0.3\nabsent_below = 0.4\n[data]", "generated.absent_below is 0.4"),
        (
            "[data]",
            "[generated]\nthreshold = 0.3\ndense_sure = 0.5\ndense_agreed = 0.2\n[data]",
            "generated.threshold and generated.dense_sure do not go together",
        ),
        ("[data]", "[generated]\nthreshold = 0.3\n[data]", "generated asks the classifier of the pretrained backbone"),
        ("pretrained = false", "learning_stages = -1", "learning_stages is -1"),
        ("pretrained = false", "learning_stages = 1\nfreeze_backbone = false", "learning_stages is 1: .* frozen"),
        ("tagging = 1", "retention = 1", "retention is for a model with a classifier: set model.image.classes"),
        ("tagging = 1", "captioning = 1", "captioning is for a model with a captioner: set model.captioner"),
        ("[objectives]", "[losses]\ntagging_scaled_to = 'x'\n[objectives]", "losses.tagging_scaled_to is 'x': name"),
        (
            "[objectives]", "[losses]\ntagging_scaled_to = 'captioning'\n[objectives]",
            "losses.tagging_scaled_to is 'captioning': both tagging and captioning must be objectives",
        ),
        ("[objectives]", "[captions]\nseen_false = 2\n[objectives]", "captions.seen_false is 2"),
        ("[objectives]", "[captions]\nsmoothing = 1.0\n[objectives]", "captions.smoothing is 1.0"),
        ("[objectives]", "[captions]\ntogether = -1\n[objectives]", "captions.together is -1"),
        ("pretrained = false", "initialize_parts = ['decoder']", "initialize_parts names parts of another model"),
        ("pretrained = false", "described_words = true", "described_words is for the classifier of another model"),
        (
            "pretrained = false", "described_words = true\ninitialize = 'x'\ninitialize_parts = ['decoder']",
            "described_words is for the classifier of another model: .*, and no initialize_parts",
        ),
        ("epochs = 3", "epochs = = 3", "is not TOML"),
        ("pretrained = false", "teacher = 'captions'", "teacher is 'captions': .* needs that objective"),
    ],
)
def test_a_mistake_is_named_with_the_file_and_the_field(load, old, new, named):
    with pytest.raises(ValueError, match=rf"^mine\.toml.*{named}"):
        load(old, new)


@pytest.mark.parametrize(
    ("teacher", "named"),
    [
        ("'clip'", "teacher 'clip' is unknown: choose one of"),
        ("'clip-vit-b-16'", "teacher 'clip-vit-b-16' gives no embeddings of model.text_encoder 'minilm-l6'"),
        ("'classifier'", "teacher asks the classifier of the pretrained backbone: set pretrained = true"),
        ("'captions'\nteacher_temperature = 0", "teacher_temperature is 0"),
    ],
)
def test_a_teacher_that_does_not_fit_is_named(load, teacher, named):
    with pytest.raises(ValueError, match=rf"^mine\.toml: {named}"):
        load(WHOLE, f"teacher = {teacher}{WHOLE}distillation = 1\n")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ("", "the objective retention is for a backbone that learns: set learning_stages"),
        ("learning_stages = 2\npretrained = false", "retention asks the classifier of the pretrained backbone"),
    ],
)
def test_retention_without_something_to_retain_is_named(tmp_path, fields, named):
    whole = WHOLE.replace("pretrained = false", fields).replace("size = 64", "size = 64, classes = 1000")
    (tmp_path / "mine.toml").write_text(whole + "retention = 1\n")
    with pytest.raises(ValueError, match=rf"^mine\.toml: {named}"):
        Recipe.load(tmp_path / "mine.toml")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"objectives.alignment": "1"}, "the objective alignment is for tags with texts: learned tags have none"),
        ({"generated.threshold": "0.5", "pretrained": "true"}, "are for tags with texts: learned have none"),
        ({"model.image.classes": "1000"}, "are for tags with texts: learned have none"),
        ({"captions.tokens": "65"}, "captions.tokens is 65: it must be between 8 and 64"),
    ],
)
def test_learned_tags_have_no_objectives_for_texts(changes, named):
    with pytest.raises(ValueError, match=named):
        Recipe.load(SHIPPED["tag2text-lite-frozen"], changes)


def test_the_stages_of_the_small_tag2text_train_one_model():
    stages = ("frozen", "finetune", "consensus")
    first, second, third = (Recipe.load(SHIPPED[f"tag2text-lite-{stage}"]) for stage in stages)
    assert first.model == second.model == third.model and first.data.triplets == second.data.triplets
    assert third.initialize == "tag2text-lite-finetune" and "self_critical" in third.objectives
    assert first.initialize_parts == ("image_encoder.backbone",) and second.initialize == "tag2text-lite-frozen"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"there is no recipe 'none\.toml'"):
        Recipe.load(tmp_path / "none.toml")


def test_a_shipped_recipe_is_found_by_its_name():
    assert Recipe.load("ram-lite") == Recipe.load(SHIPPED["ram-lite"])
    with pytest.raises(ValueError, match="there is no recipe 'mine.toml': .* or .*ram-lite"):
        Recipe.load("mine.toml")


def test_fine_tuning_a_shipped_model_need_not_repeat_its_fields(tmp_path):
    (tmp_path / "own.toml").write_text(
        'initialize = "ram-plus-lite"\nmodel = {name = "own"}\ndata = {labels = ["."], vocabulary = "own"}\n'
        "schedule = {epochs = 1, batch = 2, learning_rate = 1e-3}\n"
    )
    shipped = load_model(find_model("ram-plus-lite"))[0]
    assert shipped.unlike_below is not None  # it was fitted to the logits before
    assert Recipe.load(tmp_path / "own.toml").model == dataclasses.replace(shipped, name="own", unlike_below=None)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({}, "names no triplets, shards or labels"),
        ({"triplets": ("a",)}, "one folder for each"),
        ({"labels": ("a", "b"), "pictures": ("x",)}, "then one for each of data.labels, or none"),
        ({"labels": ("a",), "workers": -1}, "data.workers is -1"),
        ({"labels": ("a",), "shuffle_buffer": 0}, "data.shuffle_buffer is 0"),
        ({"labels": ("a",), "dev_share": 1.0}, "data.dev_share is 1.0"),
        ({"labels": ("a",), "dev_share": 0.2, "dev": ("a", "b")}, "hold out by one of them"),
        ({"shards": ("a",), "vocabulary": "own"}, "made of data.labels, which name nothing"),
    ],
)
def test_data_that_does_not_fit_together_is_said(fields, what):
    with pytest.raises(ValueError, match=what):
        DataRecipe(**fields)


def test_reading_a_recipe_imports_no_torch():
    script = (
        f"import sys; sys.path = {sys.path}; from ram.training.recipe import Recipe; "
        "Recipe.load('finetune-own-labels'); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == 0


def test_every_objective_of_a_recipe_has_a_function():
    from ram.training import objectives, recipe_sections

    assert set(objectives.OBJECTIVES) == set(recipe_sections.OBJECTIVES)


def test_sampled_negatives_need_a_loss_of_single_tags():
    changes = {"schedule.negatives": "4", "losses.tagging": "ce"}
    with pytest.raises(ValueError, match=r"schedule\.negatives does not go with losses\.tagging = 'ce'"):
        Recipe.load(SHIPPED["ram-plus-lite-frozen"], changes)
