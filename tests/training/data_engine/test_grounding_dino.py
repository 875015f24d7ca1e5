"""Grounding-DINO with tiny random weights: boxes of each tag, and a sentence where there are no weights."""

import pytest
import torch
from PIL import Image

import ram.models.torchvision_shim  # noqa: F401
from ram.errors import DownloadError
from ram.training.data_engine.grounding_dino import GroundingDinoDetector, load_grounding_dino

pytestmark = pytest.mark.slow
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "dog", "cat", "pine", "tree"]
PICTURE = Image.new("RGB", (80, 60), (200, 30, 30))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder with a model and a processor as the hub has them."""
    transformers = pytest.importorskip("transformers")
    config = transformers.GroundingDinoConfig(
        backbone_config=transformers.SwinConfig(
            image_size=128, embed_dim=8, depths=[1] * 4, num_heads=[1, 1, 2, 2], window_size=2,
            out_features=["stage2", "stage3", "stage4"],
        ),
        text_config=transformers.BertConfig(
            vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
        ),
        num_queries=7, encoder_layers=1, decoder_layers=2, d_model=64, encoder_ffn_dim=32, decoder_ffn_dim=32,
        encoder_attention_heads=2, decoder_attention_heads=2, max_text_len=16,
    )  # fmt: skip
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("grounding-dino")
    transformers.GroundingDinoForObjectDetection(config).save_pretrained(folder)
    transformers.GroundingDinoProcessor(
        image_processor=transformers.GroundingDinoImageProcessor(size={"shortest_edge": 128, "longest_edge": 128}),
        tokenizer=transformers.BertTokenizer(vocab={word: i for i, word in enumerate(WORDS)}),
    ).save_pretrained(folder)
    return folder


def test_every_tag_has_its_best_boxes(weights):
    loaded = load_grounding_dino(str(weights))
    detector = GroundingDinoDetector(loaded._model, loaded._processor, "tiny", score_over=0.0, most=3)
    tags = ["dog", "Pine tree", "cat"] * 3 + ["dog"]
    found = detector.regions(PICTURE, tags)
    assert [len(boxes) for boxes in found] == [3] * 10
    assert all(0 <= low <= high <= 1 for boxes in found for left, top, right, bottom in boxes
               for low, high in ((left, right), (top, bottom)))  # fmt: skip
    processor, model = loaded._processor, loaded._model
    inputs = processor(images=PICTURE, text="dog.", return_tensors="pt")
    with torch.inference_mode():
        outputs = model(**inputs)
    scores = outputs.logits[0].sigmoid().amax(dim=-1)
    x, y, width, height = outputs.pred_boxes[0, scores.argmax()].tolist()
    expected = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    assert found[-1][0] == pytest.approx(tuple(min(max(edge, 0), 1) for edge in expected), abs=1e-4)


def test_a_tag_without_a_box_has_no_region(weights):
    loaded = load_grounding_dino(str(weights))
    assert GroundingDinoDetector(loaded._model, loaded._processor, "tiny", 1.0).regions(PICTURE, ["dog"]) == [()]


def test_missing_weights_get_a_sentence(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DownloadError, match="empty cannot be loaded .*: use --detector attention$"):
        load_grounding_dino(str(tmp_path / "empty"))
