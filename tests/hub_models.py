"""Tiny random models of transformers, with processors that need no hub."""

import torch

import ram.models.torchvision_shim  # noqa: F401

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "a", "photo", "of", "dog", "cat", "pine", "tree", "some"]


def tokenizer():
    import transformers

    return transformers.BertTokenizer(vocab={word: i for i, word in enumerate(WORDS)})


def tiny_blip():
    """``BlipForImageTextRetrieval`` and its processor."""
    import transformers

    text = {
        "vocab_size": len(WORDS), "hidden_size": 16, "encoder_hidden_size": 16, "intermediate_size": 32,
        "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 24, "pad_token_id": 0,
        "bos_token_id": 2, "eos_token_id": 3, "sep_token_id": 3,
    }  # fmt: skip
    vision = {
        "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "image_size": 32, "patch_size": 16,
    }  # fmt: skip
    config = transformers.BlipConfig(text_config=text, vision_config=vision, image_text_hidden_size=8)
    torch.manual_seed(0)
    model = transformers.BlipForImageTextRetrieval(config).eval()
    with torch.no_grad():  # the initial weights are so small that all answers would be alike
        for weight in model.parameters():
            weight.add_(0.2 * torch.randn_like(weight))
    images = transformers.BlipImageProcessor(size={"height": 32, "width": 32})
    return model, transformers.BlipProcessor(image_processor=images, tokenizer=tokenizer())


def tiny_grounding_dino():
    """``GroundingDinoForObjectDetection`` and its processor."""
    import transformers

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
    images = transformers.GroundingDinoImageProcessor(size={"shortest_edge": 128, "longest_edge": 128})
    model = transformers.GroundingDinoForObjectDetection(config).eval()
    return model, transformers.GroundingDinoProcessor(image_processor=images, tokenizer=tokenizer())
