"""Small checkpoints of random weights in place of docling's models for single items. They write nothing useful."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

from client.picture_classes import PICTURE_CLASSES

#: Pixels of the side of a picture.
SIDE = 32
TOKENS = 512

PICTURE = "<image>"
END = "<end_of_utterance>"
_PLACES = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
#: A picture is cut into parts, and each part has its place. All other tokens are single letters.
SPECIAL = ["<unk>", END, "<fake_token_around_image>", PICTURE, "<global-img>", *_PLACES]
WORDS = [*SPECIAL, *string.printable]

TEMPLATE = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{{ '<image>' if part['type'] == 'image' else part['text'] }}{% endfor %}{% endfor %}"
)


def save_random_classifier(folder: Path) -> None:
    """Fill `folder` as `docling-tools models download picture_classifier` does. Its classes are docling's, and the
    weights the same every time."""
    import torch
    from transformers import EfficientNetConfig, EfficientNetForImageClassification, EfficientNetImageProcessor

    names: dict[int, str] = dict(enumerate(PICTURE_CLASSES))
    config = EfficientNetConfig(
        image_size=SIDE, width_coefficient=0.1, depth_coefficient=0.1, hidden_dim=128, initializer_range=0.7,
        id2label=names, label2id={name: number for number, name in names.items()},
    )  # fmt: skip
    classifier = folder / "docling-project--DocumentFigureClassifier-v2.5"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        EfficientNetForImageClassification(config).save_pretrained(classifier)
    EfficientNetImageProcessor(size={"height": SIDE, "width": SIDE}).save_pretrained(classifier)


def save_random_code_formula(folder: Path) -> None:
    """Fill `folder` as `docling-tools models download code_formula` does."""
    from transformers import Idefics3Config, Idefics3ForConditionalGeneration

    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {"model_type": "llama", "vocab_size": len(WORDS), "num_key_value_heads": 2, "pad_token_id": 0}
    config = Idefics3Config(
        image_token_id=WORDS.index(PICTURE),
        scale_factor=2,
        vision_config={**small, "image_size": SIDE, "patch_size": 8},
        text_config={**small, **text, "max_position_embeddings": TOKENS},
    )
    model = Idefics3ForConditionalGeneration(config)
    code_formula = folder / "docling-project--CodeFormulaV2"
    model.save_pretrained(code_formula)
    _processor().save_pretrained(code_formula)


def _processor() -> Any:
    from tokenizers import Tokenizer
    from tokenizers.decoders import Fuse
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Split
    from transformers import Idefics3ImageProcessor, Idefics3Processor, PreTrainedTokenizerFast

    letters = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="<unk>"))
    letters.pre_tokenizer, letters.decoder = Split("", "isolated"), Fuse()
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=letters, unk_token="<unk>", eos_token=END, pad_token="<unk>",
        additional_special_tokens=SPECIAL[1:], model_max_length=TOKENS,
    )  # fmt: skip
    pictures = Idefics3ImageProcessor(size={"longest_edge": SIDE}, max_image_size={"longest_edge": SIDE})
    return Idefics3Processor(pictures, tokenizer, image_seq_len=4, chat_template=TEMPLATE)
