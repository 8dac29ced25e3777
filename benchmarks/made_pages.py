"""The bundled profile on pages of known text: `python -m benchmarks.made_pages [--seeds FIRST LAST]`.

Typesets papers, reports, manuals, letters, forms and slides, and pages in Hebrew and Arabic, each kind once for every
seed. The seed chooses fonts, sizes, gaps, columns and the style of headings. Prints for each kind, and as means, how
alike the words and their order are, the share of the words that are found, and the F1 of the headings. The rules were
fitted to seeds below 200.
"""

from __future__ import annotations

import argparse
import time
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from actors.derivations import Export
from actors.messages import FileTask, ParsedFile
from actors.parser.limited_engine import ParsingEngine
from actors.parser.parser import ParserConfig, docling_engine
from benchmarks.fidelity import Score, compare, mean_of
from benchmarks.service import describe_machine
from benchmarks.typesetter import BITSTREAM, HELVETICA, SANS, SERIF, TEX, TIMES, Family, HeadingStyle, Look, Sheet
from client.models import Content, ExportFormat, ParseOptions, WarningCode

BODY: tuple[Content, ...] = ("body",)
FITTED = range(200)
UNSEEN = range(300, 307)

ENGLISH = (
    "river station sample mean value control bridge orchard harvest winter summer engine valve pressure signal "
    "filter result method model error bound growth market price region council library student teacher garden "
    "window paper letter number answer question reason theory proof measure weight height distance surface volume "
    "colour sound of the and to in for with from between under against before after during many several large small "
    "early late common rare simple known shows gives takes holds finds keeps makes follows increases depends "
    "remains changes carries"
)
HEBREW = (
    "הספר הגדול של העיר נמצא ליד הנהר ואנשים רבים באים לקרוא בו בכל יום שני ושלישי המורה כתב מכתב ארוך אל התלמידים "
    "שלו על המסע אל ההר בחורף הגשם יורד והשדות ירוקים בקיץ השמש חמה והילדים משחקים בגן הבית הישן עומד בקצה הרחוב"
)
ARABIC = (
    "الكتاب الكبير في المدينة القديمة قرب النهر يأتي الناس كل يوم إلى المكتبة ليقرأوا كتب المعلم رسالة طويلة إلى "
    "الطلاب عن الرحلة إلى الجبل في الشتاء ينزل المطر والحقول خضراء وفي الصيف تكون الشمس حارة ويلعب الأطفال في "
    "الحديقة"
)
LATIN_IN_OTHERS = ("Python", "Linux", "2024", "docling", "15", "Unicode")

HEADINGS = (
    (HeadingStyle(1.5, bold=True, above=1.2), HeadingStyle(1.2, bold=True)),
    (HeadingStyle(1.2, bold=True), HeadingStyle(1.0, bold=True, above=0.8, below=0.3)),
    (HeadingStyle(1.0, bold=True), HeadingStyle(1.0, bold=True, above=0.7, below=0.2)),
    (HeadingStyle(1.0, bold=False, capitals=True, above=1.2, below=0.5),),
    (HeadingStyle(1.0, bold=True, capitals=True, centred=True), HeadingStyle(1.0, bold=True)),
    (HeadingStyle(1.1, bold=False, above=1.2, below=0.5),),
    (HeadingStyle(1.08, bold=True, above=1.0, below=0.3),),
    (HeadingStyle(1.35, bold=False, centred=True, above=1.3, below=0.6), HeadingStyle(1.15, bold=False, above=1.1)),
)


@dataclass(frozen=True)
class MadeDocument:
    """A PDF, and the Markdown that a parser has to find in it."""

    kind: str
    pdf: bytes
    markdown: str


@dataclass(frozen=True)
class Writer:
    """Makes up text in one language."""

    chance: Random
    language: str
    foreign: tuple[str, ...] = ()

    def words(self, low: int, high: int) -> list[str]:
        words = self.chance.choices(self.language.split(), k=self.chance.randint(low, high))
        if self.foreign and self.chance.random() < 0.3:
            words[len(words) // 2] = self.chance.choice(self.foreign)
        return words

    def sentence(self) -> str:
        text = " ".join(self.words(6, 16))
        return f"{text[0].upper()}{text[1:]}."

    def prose(self, low: int = 3, high: int = 7) -> str:
        return " ".join(self.sentence() for _ in range(self.chance.randint(low, high)))

    def title(self, low: int = 2, high: int = 5) -> str:
        text = " ".join(self.words(low, high))
        return text.title() if self.chance.random() < 0.5 else text[0].upper() + text[1:]


def look_of(chance: Random, families: Iterable[Family] = (TIMES, HELVETICA, BITSTREAM, SERIF, SANS)) -> Look:
    return Look(
        family=chance.choice(list(families)),
        size=chance.choice((9.0, 10.0, 11.0, 12.0)),
        leading=chance.choice((1.17, 1.25, 1.4)),
        headings=chance.choice(HEADINGS),
        margin=chance.choice((56.0, 72.0, 85.0)),
        indented=chance.random() < 0.4,
        justified=chance.random() < 0.5,
        numbered_pages=chance.random() < 0.8,
    )


def paper(chance: Random, columns: int) -> Sheet:
    """A paper as LaTeX sets it: a title over the columns, numbered headings, notes, figures, references."""
    writer = Writer(chance, ENGLISH)
    numbered = HEADINGS[chance.choice((0, 1, 2))]
    look = replace(look_of(chance, (TIMES, SERIF, TEX)), headings=numbered, indented=True, justified=True)
    look = replace(look, size=chance.choice((9.0, 10.0)), running=chance.choice(("", writer.title())))
    sheet = Sheet(replace(look, headings=(HeadingStyle(1.7, bold=chance.random() < 0.5, centred=True), *numbered)))
    sheet.heading(writer.title(4, 8))
    sheet.short_lines(("Ada Byron and Karl Lind", "University of New Haven"), centred=True)
    sheet.set_columns(columns)
    sheet.heading("Abstract", 2)
    sheet.paragraph(writer.prose())
    for section in range(1, 5):
        sheet.heading(f"{section} {writer.title()}", 2)
        sheet.paragraph(writer.prose())
        sheet.note(f"{section} {writer.sentence()}")
        sheet.paragraph(writer.prose())
        if section == 2:
            sheet.figure(f"Figure 1: {writer.sentence()}")
        if section == 3:
            cells = [[writer.words(1, 1)[0], *(f"{chance.uniform(0, 99):.1f}" for _ in range(3))] for _ in range(4)]
            sheet.table(f"Table 1: {writer.sentence()}", [["Sample", "Mean", "Best", "Worst"], *cells])
        sheet.heading(f"{section}.1 {writer.title()}", 3)
        sheet.paragraph(writer.prose(4, 9))
    sheet.heading("References", 2)
    for number in range(1, 7):
        sheet.item(f"[{number}]", f"A. Byron and K. Lind. {writer.sentence()} 19{80 + number}.")
    return sheet


def report(chance: Random, columns: int = 1) -> Sheet:
    """Prose with headings of any kind, and lists."""
    writer = Writer(chance, ENGLISH)
    look = replace(look_of(chance), columns=columns, running=chance.choice(("", writer.title())))
    sheet = Sheet(look)
    numbered = chance.random() < 0.5
    for section in range(1, 6):
        sheet.heading(f"{section}. {writer.title()}" if numbered else writer.title())
        sheet.paragraph(writer.prose())
        if section % 2:
            sheet.heading(f"{section}.1 {writer.title()}" if numbered else writer.title(), 2)
        sheet.paragraph(writer.prose())
        if section in (2, 4):
            for _ in range(3):
                sheet.item(chance.choice("•–"), " ".join(writer.words(4, 20)))
            sheet.space(0.5)
        sheet.paragraph(writer.prose(), lead=f"{writer.title(1, 2)}." if section == 3 else "")
    return sheet


def manual(chance: Random) -> Sheet:
    """Steps to follow under short headings, with a running header on each page."""
    writer = Writer(chance, ENGLISH)
    sheet = Sheet(replace(look_of(chance), running=f"Model {chance.randint(100, 999)} manual"))
    for _ in range(6):
        sheet.heading(writer.title())
        sheet.paragraph(writer.prose(1, 2))
        for step in range(1, chance.randint(4, 7)):
            sheet.item(f"{step}.", writer.sentence())
        sheet.paragraph(f"Note: {writer.sentence()}")
    return sheet


def letter(chance: Random) -> Sheet:
    """No headings: addresses of short lines, a date, prose, a name."""
    writer = Writer(chance, ENGLISH)
    sheet = Sheet(replace(look_of(chance), numbered_pages=False))
    sheet.short_lines(("Orchard Council", "12 River Street", "New Haven"))
    sheet.short_lines(("Mr Karl Lind", "4 Bridge Road", "Lund"))
    sheet.short_lines((f"{chance.randint(1, 28)} March 20{chance.randint(10, 29)}",))
    sheet.short_lines(("Dear Mr Lind,",))
    for _ in range(4):
        sheet.paragraph(writer.prose())
    sheet.short_lines(("Yours sincerely,",))
    sheet.short_lines(("Ada Byron", "Head of the council"))
    return sheet


def form(chance: Random) -> Sheet:
    """A form: labels with values beside them, in parts with bold headings."""
    writer = Writer(chance, ENGLISH)
    look = look_of(chance)
    sheet = Sheet(replace(look, headings=HEADINGS[chance.choice((0, 1, 2, 4, 6))], indented=False))
    sheet.heading(writer.title(2, 4))
    sheet.paragraph(writer.prose(1, 2))
    labels = ("First name", "Family name", "Date of birth", "Street", "Town", "Telephone", "Trade")
    for part in "ABC":
        sheet.heading(f"{part}. {writer.title(1, 3)}")
        sheet.fields([(f"{label}:", " ".join(writer.words(1, 3))) for label in chance.sample(labels, 5)])
    sheet.paragraph(writer.prose(1, 2))
    return sheet


def slides(chance: Random) -> Sheet:
    """A large title on each page, and a few points under it."""
    writer = Writer(chance, ENGLISH)
    title = (HeadingStyle(1.6, bold=chance.random() < 0.5, below=1.0),)
    look = replace(look_of(chance, (HELVETICA, SANS, BITSTREAM)), page=(720.0, 405.0), size=18.0, headings=title)
    sheet = Sheet(replace(look, margin=50.0, indented=False, justified=False, leading=1.25))
    for number in range(4):
        if number:
            sheet.next_page()
        sheet.heading(writer.title(2, 4))
        for _ in range(chance.randint(2, 4)):
            sheet.item("•", " ".join(writer.words(3, 9)))
    return sheet


def leftwards(chance: Random, language: str, columns: int) -> Sheet:
    """A report in a script that runs from right to left."""
    writer = Writer(chance, language, LATIN_IN_OTHERS)
    look = replace(look_of(chance, (SANS,)), leftwards=True, columns=columns, running=writer.title())
    look = replace(look, word_by_word=chance.random() < 0.5)
    headings = [styles for styles in HEADINGS if not styles[0].capitals]  # these scripts have no capitals
    sheet = Sheet(replace(look, headings=chance.choice(headings)))
    for section in range(1, 6):
        sheet.heading(f"{section}. {writer.title()}" if columns == 1 else writer.title())
        sheet.paragraph(writer.prose())
        if section == 3:
            for _ in range(3):
                sheet.item("•", " ".join(writer.words(4, 20)))
            sheet.space(0.5)
        sheet.paragraph(writer.prose())
    return sheet


KINDS: dict[str, Callable[[Random], Sheet]] = {
    "paper": lambda chance: paper(chance, 1),
    "paper in two columns": lambda chance: paper(chance, 2),
    "report": report,
    "report in two columns": lambda chance: report(chance, 2),
    "manual": manual,
    "letter": letter,
    "form": form,
    "slides": slides,
    "Hebrew": lambda chance: leftwards(chance, HEBREW, 1),
    "Hebrew in two columns": lambda chance: leftwards(chance, HEBREW, 2),
    "Arabic": lambda chance: leftwards(chance, ARABIC, 1),
    "Arabic in two columns": lambda chance: leftwards(chance, ARABIC, 2),
}
LEFTWARDS = tuple(kind for kind in KINDS if kind.startswith(("Hebrew", "Arabic")))


def make(kind: str, seed: int) -> MadeDocument:
    sheet = KINDS[kind](Random(f"{kind} {seed}"))
    return MadeDocument(kind, sheet.pdf(), sheet.markdown)


def parse(engine: ParsingEngine, made: MadeDocument) -> ParsedFile:
    """A made document, parsed by the bundled profile without OCR."""
    content, options = np.frombuffer(made.pdf, np.uint8), ParseOptions(profile="bundled", do_ocr=False)
    task = FileTask(job_id="j", index=0, filename="made.pdf", size=content.size, options=options, metadata={})
    parsed = engine.open(content, task, split_above=1000)
    if not isinstance(parsed, ParsedFile):
        raise TypeError("a made document is short and never split")
    return parsed


def score(engine: ParsingEngine, made: MadeDocument, parsed: ParsedFile) -> Score:
    """How near the Markdown comes, with Arabic letters in their plain forms."""
    wanted = Export(job_id="j", folder="results/j/0", source="document", form=ExportFormat.MARKDOWN, content=BODY)
    made_of = engine.derive(np.frombuffer(parsed.document, np.uint8), wanted)
    return compare(made.markdown, unicodedata.normalize("NFKC", made_of[wanted.target].decode()))


def misplaced(parsed: ParsedFile) -> int:
    """On how many pages words are in no item of the document, or in two."""
    return sum(warning.code in (WarningCode.WORDS_LOST, WarningCode.WORDS_DOUBLED) for warning in parsed.warnings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs=2, default=(UNSEEN.start, UNSEEN.stop), metavar=("FIRST", "LAST"))
    seeds = range(*parser.parse_args().seeds)
    print(describe_machine())
    engine = docling_engine(ParserConfig())
    engine.warm_up()
    scores: dict[str, list[Score]] = {}
    wrong, started = 0, time.perf_counter()
    for kind in KINDS:
        documents = [(made := make(kind, seed), parse(engine, made)) for seed in seeds]
        scores[kind] = [score(engine, made, parsed) for made, parsed in documents]
        wrong += sum(misplaced(parsed) for _, parsed in documents)
        print(f"{kind:24s} {mean_of(scores[kind])}")
    every = [each for found in scores.values() for each in found]
    print(f"{'right to left':24s} {mean_of([each for kind in LEFTWARDS for each in scores[kind]])}")
    print(f"{f'mean of {len(every)}':24s} {mean_of(every)}  {time.perf_counter() - started:.0f} s")
    print(f"pages with words in no item, or in two: {wrong}")


if __name__ == "__main__":
    main()
