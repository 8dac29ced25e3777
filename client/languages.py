"""The languages that OCR reads, by PP-OCR's codes. One model reads all of them."""

from __future__ import annotations

OCR_LANGUAGES: tuple[str, ...] = (
    "ch", "chinese_cht", "en", "japan", "af", "az", "bs", "ca", "cs", "cy", "da", "de", "es", "et", "eu", "fi", "fr",
    "ga", "gl", "hr", "hu", "id", "is", "it", "ku", "la", "lb", "lt", "lv", "mi", "ms", "mt", "nl", "no", "oc", "pl",
    "pt", "qu", "rm", "ro", "rs_latin", "sk", "sl", "sq", "sv", "sw", "tl", "tr", "uz", "vi", "french", "german",
    "zh", "zh_cn", "zh-cn", "zh_tw", "zh-tw", "ja", "jp",
)  # fmt: skip
