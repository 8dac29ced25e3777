"""The languages of docling-serve's requests by the names that this server's OCR has for them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from client.languages import OCR_LANGUAGES

#: Tesseract's codes, which are those of ISO 639-2, terminological and bibliographic. For the other languages that
#: OCR reads there is no code of three letters in use.
_TESSERACT: Mapping[str, str] = MappingProxyType(
    {
        "afr": "af", "alb": "sq", "aze": "az", "baq": "eu", "bos": "bs", "cat": "ca", "ces": "cs", "chi": "ch",
        "chi_sim": "ch", "chi_tra": "chinese_cht", "cym": "cy", "cze": "cs", "dan": "da", "deu": "de", "dut": "nl",
        "eng": "en", "est": "et", "eus": "eu", "fin": "fi", "fra": "fr", "fre": "fr", "ger": "de", "gle": "ga",
        "glg": "gl", "hrv": "hr", "hun": "hu", "ice": "is", "ind": "id", "isl": "is", "ita": "it", "jpn": "japan",
        "kur": "ku", "lat": "la", "lav": "lv", "lit": "lt", "ltz": "lb", "mao": "mi", "may": "ms", "mlt": "mt",
        "mri": "mi", "msa": "ms", "nld": "nl", "nor": "no", "oci": "oc", "pol": "pl", "por": "pt", "que": "qu",
        "roh": "rm", "ron": "ro", "rum": "ro", "slk": "sk", "slo": "sk", "slv": "sl", "spa": "es", "sqi": "sq",
        "srp_latn": "rs_latin", "swa": "sw", "swe": "sv", "tgl": "tl", "tur": "tr", "uzb": "uz", "vie": "vi",
        "wel": "cy", "zho": "ch",
    }
)  # fmt: skip


def native_language(tag: str) -> str:
    """The name here. A tag may have a region or a script, such as de-DE. An unknown tag stays as it is."""
    if tag in OCR_LANGUAGES:
        return tag
    plain = tag.lower().partition("-")[0]
    return _TESSERACT.get(tag.lower(), _TESSERACT.get(plain, plain))
