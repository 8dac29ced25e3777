"""Receipts and invoices of known rows, printed and scanned: slightly turned, with noise, at 100 to 200 dpi."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from random import Random

import numpy as np
import pypdfium2
from PIL import Image, ImageFilter
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from benchmarks.typesetter import BITSTREAM

GOODS = (
    "Espresso", "Apple cake", "Orange juice", "Garden hose", "Steel screws", "Paint brush", "Wall clock", "Desk lamp",
    "Printer paper", "Coffee beans", "Window cleaner", "Bicycle pump", "Rubber gloves", "Candles", "Wooden shelf",
    "Light bulb", "Notebook", "Olive oil", "Brown bread", "Mineral water", "Smoked cheese", "Leather belt", "Umbrella",
    "Battery pack", "Kitchen knife", "Picture frame", "Travel guide", "Tea towels", "Flower seeds", "Cable tie",
)  # fmt: skip
KINDS_OF_GOODS = (
    ", large",
    " of the best quality, in a box of twelve",
    " for home, garden and the workshop of friends",
)
SUMS = ("Goods value", "Sales tax", "Grand amount")
SENDER = ("Telephone 0043 17 22", "Office hours 9 to 17", "Customer 88120")
SHOPS = ("Orchard Coffee House", "Harbour Trading Company", "Lind and Sons Hardware", "Bridge Street Market")

#: How far over its baseline a line of print begins, in sizes, and the space beside a cell's text, in points.
CAPITAL = 0.95
PADDING = 4.0

Row = tuple[str, str]


@dataclass(frozen=True)
class MadeScan:
    """A scanned page, and the label and amount of each of its rows."""

    name: str
    data: bytes
    rows: tuple[Row, ...]


@dataclass
class Slip:
    """A page that is printed line by line; lengths in points."""

    canvas: Canvas
    width: float
    height: float
    font: str
    size: float
    step: float
    margin: float
    y: float = 0.0

    @property
    def right(self) -> float:
        return self.width - self.margin

    def down(self, lines: float = 1.0) -> None:
        self.y += lines * self.step

    def text(self, x: float, text: str, *, right: bool = False) -> None:
        self.canvas.setFont(self.font, self.size)
        draw = self.canvas.drawRightString if right else self.canvas.drawString
        draw(x, self.height - self.y, text)

    def line(self, left: float, top: float, right: float, bottom: float) -> None:
        self.canvas.line(left, self.height - top, right, self.height - bottom)

    def rule(self) -> None:
        """A line from side to side, over the text that comes next."""
        y = self.y - CAPITAL * self.size
        self.line(self.margin, y, self.right, y)

    def width_of(self, text: str) -> float:
        return float(stringWidth(text, self.font, self.size))


def _slip(chance: Random, width: float, height: float, fonts: Sequence[str]) -> tuple[Slip, BytesIO]:
    BITSTREAM.register()
    buffer = BytesIO()
    size = chance.choice((8.0, 9.0, 10.0, 11.0)) if width < 400 else chance.choice((9.0, 10.0, 11.0))
    canvas = Canvas(buffer, pagesize=(width, height), invariant=True)
    margin = chance.choice((14.0, 20.0)) if width < 400 else chance.choice((50.0, 70.0))
    step = size * chance.choice((1.3, 1.6, 2.0))
    return Slip(canvas, width, height, chance.choice(fonts), size, step, margin, y=2.5 * size + margin), buffer


PROPORTIONAL = ("Helvetica", "Times-Roman", "Vera", "Helvetica-Bold")
TYPEWRITER = ("Courier", "Courier-Bold")


def _goods(chance: Random, count: int, *, long: bool = False) -> list[Row]:
    point, more = chance.choice("..,"), chance.choice(KINDS_OF_GOODS) if long else ""
    labels = [*(f"{label}{more}" for label in chance.sample(GOODS, count)), *SUMS]
    amounts = chance.sample(range(105, 9900), len(labels))
    return [(label, f"{amount / 100:.2f}".replace(".", point)) for label, amount in zip(labels, amounts, strict=True)]


def receipt(
    chance: Random, fonts: Sequence[str], *, leader: str = "", currency: str = "", counted: bool = False
) -> tuple[bytes, list[Row]]:
    """A narrow slip: labels at the left, amounts at the right; `counted` has the number of pieces before a label."""
    rows = _goods(chance, chance.randint(4, 9))
    slip, buffer = _slip(chance, chance.choice((200.0, 230.0, 280.0)), chance.choice((380.0, 460.0)), fonts)
    shop = chance.choice(SHOPS)
    slip.text((slip.width - slip.width_of(shop)) / 2, shop)
    slip.down(1.2)
    slip.text(slip.margin, f"{chance.randint(1, 28)} March 2026")
    slip.down(2)
    for number, (label, amount) in enumerate(rows):
        if number == len(rows) - len(SUMS):
            slip.rule()
            slip.down(0.3)
        shown = currency.format(amount) or amount
        if counted and label in GOODS:
            slip.text(slip.margin, str(chance.randint(1, 12)))
        left = slip.margin + counted * slip.width_of("00  ")
        slip.text(left, label)
        if leader:
            end = slip.right - slip.width_of(f"{shown} ")
            start = left + slip.width_of(f"{label} ")
            slip.text(start, leader * int((end - start) / slip.width_of(leader)))
        slip.text(slip.right, shown, right=True)
        slip.down()
    slip.down()
    slip.text(slip.margin, "Thank you for your visit")
    slip.canvas.save()
    return buffer.getvalue(), rows


#: The columns of invoices: the head, the share of the width where it ends, and whether it is flush right.
COLUMNS = {
    2: (("Article", 0.0, False), ("Amount", 1.0, True)),
    3: (("Article", 0.0, False), ("Qty", 0.7, True), ("Amount", 1.0, True)),
    4: (("Article", 0.0, False), ("Qty", 0.55, True), ("Price", 0.77, True), ("Amount", 1.0, True)),
    5: (("No", 0.0, False), ("Article", 0.1, False), ("Qty", 0.6, True), ("Price", 0.8, True), ("Amount", 1.0, True)),
}


def invoice(chance: Random, columns: int, *, rules: str = "", long: bool = False) -> tuple[bytes, list[Row]]:
    """A letter with a list of goods. `rules` is empty, "across" or "all"; `long` articles may go on below."""
    rows = _goods(chance, chance.randint(4, 11), long=long)
    slip, buffer = _slip(chance, 595.0, 842.0, (*PROPORTIONAL, "Courier"))
    for line, other in zip((chance.choice(SHOPS), "12 River Street", "New Haven"), SENDER, strict=True):
        slip.text(slip.margin, line)
        if long:
            slip.text(slip.right, other, right=True)
        slip.down()
    slip.down()
    slip.text(slip.margin, f"Invoice {chance.randint(1000, 9999)} of {chance.randint(1, 28)} March 2026")
    slip.down(2)
    slip.text(slip.margin, "We thank you for your order and charge for the delivery as follows.")
    slip.down(2)
    _table(slip, chance, columns, rows, rules, "from our store" if long and chance.random() < 0.5 else "")
    slip.down()
    slip.text(slip.margin, "Please pay within thirty days to the account that you know from us.")
    slip.canvas.save()
    return buffer.getvalue(), rows


def _table(slip: Slip, chance: Random, columns: int, rows: Sequence[Row], rules: str, below: str) -> None:
    top, width = slip.y - CAPITAL * slip.size, slip.right - slip.margin - 2 * PADDING
    places = [(head, slip.margin + PADDING + share * width, right) for head, share, right in COLUMNS[columns]]
    heads = {head: head for head, _, _ in places}
    for cells in (heads, *(_cells(chance, number, row) for number, row in enumerate(rows, 1))):
        if rules:
            slip.rule()
        for head, x, right in places:
            slip.text(x, cells[head], right=right)
        slip.down()
        if below and cells["Article"].startswith(GOODS):
            slip.text(next(x for head, x, _ in places if head == "Article"), below)
            slip.down()
    if rules:
        slip.rule()
    if rules == "all":
        starts = [x - slip.width_of("9999.99") - PADDING if right else x - PADDING for _, x, right in places]
        for x in (*starts, slip.right):
            slip.line(x, top, x, slip.y - CAPITAL * slip.size)


def _cells(chance: Random, number: int, row: Row) -> dict[str, str]:
    label, amount = row
    pieces = chance.randint(2, 30)
    price = f"{float(amount.replace(',', '.')) / pieces:.3f}"
    known = {"No": str(number), "Qty": str(pieces), "Price": price} if label not in SUMS else {}
    return {"No": "", "Article": label, "Qty": "", "Price": "", "Amount": amount, **known}


def scanned(chance: Random, pdf: bytes, *, turned: bool) -> tuple[str, bytes]:
    """The first page as a scanner sees it: a picture, or a PDF of one."""
    dots = chance.choice((100, 150, 200))
    page = pypdfium2.PdfDocument(pdf)[0]
    picture = page.render(scale=dots / 72).to_pil().convert("L")
    if turned:
        angle = chance.choice((-1, 1)) * chance.uniform(0.8, 2.0)
        picture = picture.rotate(angle, Image.Resampling.BICUBIC, fillcolor=255)
    grain = np.random.default_rng(chance.getrandbits(32)).normal(0, 6, (picture.height, picture.width))
    shades = np.clip(np.asarray(picture.filter(ImageFilter.GaussianBlur(0.4)), float) - 8 + grain, 0, 255)
    picture, out = Image.fromarray(shades.astype(np.uint8)), BytesIO()
    if chance.random() < 0.5:
        picture.save(out, "PNG", dpi=(dots, dots))
        return "scan.png", out.getvalue()
    canvas = Canvas(out, pagesize=page.get_size(), invariant=True)
    canvas.drawImage(ImageReader(picture), 0, 0, *page.get_size())
    canvas.save()
    return "scan.pdf", out.getvalue()


KINDS: dict[str, Callable[[Random], tuple[bytes, list[Row]]]] = {
    "receipt": lambda chance: receipt(chance, PROPORTIONAL),
    "receipt, typewritten": lambda chance: receipt(chance, TYPEWRITER),
    "receipt with dotted leaders": lambda chance: receipt(chance, (*PROPORTIONAL, *TYPEWRITER), leader="."),
    "receipt with a currency": lambda chance: receipt(
        chance, PROPORTIONAL, currency=chance.choice(("{} EUR", "{} A", "${}", "-{}"))
    ),
    "receipt with pieces": lambda chance: receipt(chance, (*PROPORTIONAL, *TYPEWRITER), counted=True),
    "invoice, 2 columns": lambda chance: invoice(chance, 2),
    "invoice, 3 columns": lambda chance: invoice(chance, 3),
    "invoice, 4 columns": lambda chance: invoice(chance, 4),
    "invoice, 5 columns": lambda chance: invoice(chance, 5),
    "invoice, rules across": lambda chance: invoice(chance, chance.choice((3, 4, 5)), rules="across"),
    "invoice, long articles": lambda chance: invoice(chance, chance.choice((2, 3, 4, 5)), long=True),
    "invoice, ruled": lambda chance: invoice(chance, chance.choice((2, 3, 4, 5)), rules="all"),
}


def make(kind: str, seed: int, *, turned: bool) -> MadeScan:
    chance = Random(f"{kind} {seed}")
    pdf, rows = KINDS[kind](chance)
    return MadeScan(*scanned(chance, pdf, turned=turned), tuple(rows))
