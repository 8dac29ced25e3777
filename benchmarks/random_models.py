"""Small checkpoints of random weights in place of docling's models. They load and run, but find nothing useful.

Of the table model there is only the file by which docling finds it on disk.
"""

from __future__ import annotations

from pathlib import Path

LABELS = (
    "Caption", "Footnote", "Formula", "List_item", "Page_footer", "Page_header", "Picture", "Section_header", "Table",
    "Text", "Title", "Document_Index", "Code", "Checkbox_Selected", "Checkbox_Unselected", "Form", "Key_Value_Region",
)  # fmt: skip


def save_random_models(folder: Path) -> None:
    """Fill `folder` as `docling-tools models download layout tableformer` does."""
    from transformers import RTDetrImageProcessor, RTDetrResNetConfig, RTDetrV2Config, RTDetrV2ForObjectDetection

    from actors.parser.engine.profiles import TABLEFORMER

    layout = folder / "docling-project--docling-layout-heron"
    config = RTDetrV2Config(
        backbone_config=RTDetrResNetConfig(  # type: ignore[call-arg] # `out_features` is read from the rest
            embedding_size=8, hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], layer_type="basic",
            out_features=["stage2", "stage3", "stage4"],
        ),
        encoder_hidden_dim=16, encoder_in_channels=[16, 24, 32], encoder_ffn_dim=16, encoder_attention_heads=2,
        encoder_layers=1, d_model=16, decoder_in_channels=[16, 16, 16], decoder_ffn_dim=16, decoder_layers=2,
        decoder_attention_heads=2, num_queries=10, num_denoising=0,
        id2label=dict(enumerate(LABELS)), label2id={label: number for number, label in enumerate(LABELS)},
    )  # fmt: skip
    RTDetrV2ForObjectDetection(config).save_pretrained(layout)
    RTDetrImageProcessor().save_pretrained(layout)
    tableformer = folder / "docling-project--docling-models" / TABLEFORMER
    tableformer.mkdir(parents=True)
    (tableformer / "tableformer_accurate.safetensors").touch()
