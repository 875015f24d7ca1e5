"""The captioner against numbers of the official one, at seeded random weights, in fp32."""

import json

import pytest
import torch
from safetensors.torch import load_file

import ram
from ram.checkpoints.model_folder import load_model
from ram.checkpoints.official_names import BANK, LEARNED_BANK, rename
from ram.models.caption_generation import Rules, search_beams, write_greedily
from ram.models.caption_text import CaptionText
from ram.models.captioner_config import CaptionerConfig
from ram.models.config import LEARNED, DecoderConfig, ImageConfig, ModelConfig
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.losses import asymmetric_loss, distillation_loss, scaled_to
from ram.text.vocabulary import TagVocabulary, make_unique
from tests.checkpoints.test_official import SWIN

pytestmark = pytest.mark.slow

ATOL = 1e-5
CAPTIONER = CaptionerConfig(hidden=96, heads=12, intermediate=384, encoder_layers=3, decoder_layers=3, tied_layers=2)
TAGS = {
    "tag2text_tiny": {"text_encoder": LEARNED, "dim": 193, "reweight": False},
    "ram_tiny": {"text_encoder": "clip-vit-b-16", "dim": 512},
}


def tiny_config(name):
    return ModelConfig(
        name="tiny",
        image=ImageConfig("swin_tiny_patch4_window7_224", 224, options=SWIN),
        decoder=DecoderConfig(hidden=96, heads=4, intermediate=384, layers=2),
        max_descriptions=1,
        captioner=CAPTIONER,
        **TAGS[name],
    )


class Reference:
    """A tiny official model with its numbers, converted."""

    def __init__(self, source, folder):
        self.name = source.name
        self.official = json.loads((source / "config.json").read_text(encoding="utf-8"))
        self.generated = source / "generate_transformers_4.25.1.json"
        self.inputs = load_file(source / "inputs.safetensors")
        self.outputs = load_file(source / "outputs.safetensors")
        state = load_file(source / "model.safetensors")
        self.folder = ram.convert_official(
            state, folder, config=tiny_config(source.name), vocabulary=self.vocabulary()
        )
        _, self.model, bank = load_model(self.folder)
        self.bank = DescriptionEmbeddings(bank.embedded.embeddings.float().requires_grad_(), bank.embedded.mask)
        self.captioner = self.model.captioner
        self.text = CaptionText(self.captioner.config, self.captioner.words)
        self.encoder_ids = self.outputs["encoder_input_ids"]
        self.decoder_ids = self.outputs["decoder_input_ids"]

    def vocabulary(self):
        config = self.official
        thresholds = config.get("class_threshold") or [config["class_threshold_default"]] * config["num_class"]
        for index, threshold in config.get("class_threshold_special", {}).items():
            thresholds[int(index)] = threshold
        for index in config.get("delete_tag_index", []):
            thresholds[index] = 1.0
        return TagVocabulary(make_unique(config["tag_list"]), tuple(thresholds))

    def guidance(self, tokens, ids=None):
        return self.captioner.guide(tokens, self.encoder_ids if ids is None else torch.tensor(ids))


@pytest.fixture(scope="module", params=TAGS)
def reference(request, shared, tmp_path_factory):
    return Reference(shared / "golden" / request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def tag2text(shared, tmp_path_factory):
    return Reference(shared / "golden" / "tag2text_tiny", tmp_path_factory.mktemp("tag2text"))


@pytest.fixture(scope="module")
def tokens(tag2text):
    with torch.no_grad():
        return tag2text.model.look(tag2text.inputs["image"]).tokens


def near(ours, wanted):
    """To 1e-5, of numbers over 1 to 1e-5 of their size: logits reach 5, and CPUs add up in different orders."""
    assert ours.shape == wanted.shape
    assert ((ours - wanted).abs() <= ATOL * wanted.abs().clamp(min=1)).all(), (ours - wanted).abs().max()


def test_texts_become_the_official_ids(reference):
    official = reference.official
    given = [text.split(" | ") for text in official["tag_inputs"]]
    ids = reference.text.tags(given)
    assert torch.equal(ids, reference.encoder_ids[:, : ids.shape[1]])
    prompted, other = official["captions"]
    assert prompted.startswith(official["prompt"])
    ids = reference.text.captions([prompted.removeprefix(official["prompt"])])
    wanted = reference.decoder_ids[0]
    assert ids[0].tolist() == wanted[wanted != 0].tolist()
    words = reference.captioner.words
    assert words.encode(other) == reference.decoder_ids[1, 1:-1].tolist()
    assert len(reference.text.prompt) == official["prompt_length"]


def test_encoder_states_and_decoder_logits_match(reference):
    outputs, captioner = reference.outputs, reference.captioner
    embedded = []
    hook = captioner.tag_encoder.embeddings.register_forward_hook(lambda module, given, result: embedded.append(result))
    with torch.no_grad():
        features = reference.model.look(reference.inputs["image"])
        near(reference.model.score(features, reference.bank), outputs["logits"])
        near(reference.guidance(features.tokens).states, outputs["tag_encoder_out"])
        hook.remove()
        near(embedded[0], outputs["tag_encoder_embeddings"])
        logits = captioner(features.tokens, reference.encoder_ids, reference.decoder_ids)
    near(logits, outputs["decoder_logits"])


def test_joint_losses_and_all_gradients_match(reference):
    """As in the published training: the tag loss at the size of the caption loss, and RAM's distillation."""
    model, outputs, inputs = reference.model, reference.outputs, reference.inputs
    model.zero_grad()
    features = model.look(inputs["image"])
    targets = inputs["tag"] if "tag" in inputs else inputs["image_tag"]
    caption = reference.captioner.loss(features.tokens, reference.encoder_ids, reference.decoder_ids)
    tag = asymmetric_loss(model.score(features, reference.bank), targets, gamma_neg=7)
    total = caption + scaled_to(tag, caption)
    losses = {"loss_t2t": caption, "loss_tag": tag}
    if "clip_feature" in inputs:
        losses["loss_dis"] = distillation_loss(features.pooled, inputs["clip_feature"])
        total = total + losses["loss_dis"]
    for name, loss in losses.items():
        assert loss.item() == pytest.approx(outputs[name].item(), rel=2e-6, abs=ATOL), name
    assert total.item() == pytest.approx(reference.official["losses"]["total_for_backward"], rel=2e-6)
    total.backward()
    norms = reference.official["grad_norms"]
    stored = {name[5:]: gradient for name, gradient in outputs.items() if name.startswith("grad.")}
    assert len(stored) == (7 if reference.name == "tag2text_tiny" else 9)
    ours = gradients(reference, {*norms, *stored})
    for name, norm in norms.items():
        assert ours[name].norm().item() == pytest.approx(norm, rel=2e-5, abs=ATOL), name
    for name, wanted in stored.items():
        torch.testing.assert_close(ours[name], wanted, atol=2 * ATOL, rtol=0, msg=name)


def gradients(reference, names):
    """Our gradients by official names; either name of a tied weight gives that of its one parameter."""
    parameters, hidden = dict(reference.model.named_parameters()), CAPTIONER.hidden
    rows = reference.bank.embeddings.grad
    parts = (rows[:, 0, :hidden], rows[None, :, 0, hidden:-1], rows[None, :, 0, -1])
    ours = {BANK: rows[:, 0], **dict(zip(LEARNED_BANK, parts, strict=True))}
    for name in names - ours.keys():
        (target,) = rename({name: name}, 2, CAPTIONER)[0]
        ours[name] = parameters[target].grad
    return ours


def cases(shared):
    return json.loads((shared / "golden" / "tag2text_tiny" / "generate_transformers_4.25.1.json").read_text("utf-8"))


def images_of(case):
    return [0, 1] if case["label"] == "batch2" else [int(case["label"][5])]


def test_every_generated_caption_matches_token_for_token(shared, tag2text, tokens):
    found = cases(shared)
    assert len(found) == 11
    for case in found:
        options, images = dict(case["kwargs"]), images_of(case)
        beams = options.pop("num_beams", 3)
        options.pop("tag_input", None)
        rules = Rules(102, **({"min_length": 10, "max_length": 30} | options))
        prompt = torch.tensor([tag2text.text.prompt]).expand(len(images), -1)
        with torch.no_grad():
            reader = tag2text.captioner.reader(tag2text.guidance(tokens[images], case["encoder_input_ids"]))
            write = write_greedily if beams == 1 else lambda *given, beams=beams: search_beams(*given, beams)
            written = write(reader, prompt, rules)
        for at, each in enumerate(written):
            assert each.ids == [token for token in case["token_ids"][at] if token], case["label"]
            assert tag2text.text.read(each.ids) == case["captions"][at].strip()
            if beams > 1:
                assert each.score == pytest.approx(case["sequences_scores"][at], abs=ATOL)


def test_a_tagger_writes_the_official_captions(shared, tag2text, tokens):
    tagger = ram.load(tag2text.folder, device="cpu", dtype="float32")
    features = [ram.models.image_encoder.ImageFeatures(tokens[i : i + 1]) for i in range(2)]
    for case in cases(shared):
        options = dict(case["kwargs"])
        tags, beams = options.pop("tag_input", [None])[0], options.pop("num_beams", 3)
        for image, caption in zip(images_of(case), case["captions"], strict=True):
            (written,) = tagger.caption_features([features[image]], tags, beams, ram.CaptionOptions(**options))
            assert written.text == caption.strip(), case["label"]


def test_a_batch_of_two_equals_two_single_images(tag2text, tokens):
    """Greedily, by beams and without the cache: the official code mixed up the images of a batch."""
    prompt, rules = torch.tensor([tag2text.text.prompt]), Rules(102, 10, 30)
    ids = tag2text.text.tags([["train"], ["dog", "red bus", "grass"]])
    for write in (write_greedily, lambda *given: search_beams(*given, 4)):
        with torch.no_grad():
            guide = tag2text.captioner.guide
            both = write(tag2text.captioner.reader(guide(tokens, ids)), prompt.expand(2, -1), rules)
            for at in range(2):
                single = tag2text.captioner.reader(guide(tokens[at : at + 1], ids[at : at + 1]))
                assert write(single, prompt, rules)[0].ids == both[at].ids
    with torch.no_grad():
        logits = tag2text.captioner(tokens, ids, tag2text.decoder_ids)
        for at in range(2):
            row = slice(at, at + 1)
            near(tag2text.captioner(tokens[row], ids[row], tag2text.decoder_ids[row])[0], logits[at])


def test_tied_layers_run_with_the_captioners_own_heads(tag2text):
    blocks, layers = tag2text.model.decoder.blocks, tag2text.captioner.tag_encoder.layers
    for block, layer in zip(blocks, layers[:2], strict=True):
        assert layer.aligned is block and block.cross_attention.heads == 4 and layer.heads == 12
    assert layers[2].alignment is not None
    names = tag2text.model.state_dict().keys()
    assert not [name for name in names if name.startswith("captioner.tag_encoder.layers.1.alignment")]
