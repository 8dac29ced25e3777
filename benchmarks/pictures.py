"""The cost of pixels that nobody asked for: a deck of photographs, with `include_images` and without.

`python -m benchmarks.pictures`. With images, docling encodes every picture as PNG, as it does by default.
"""

from __future__ import annotations

import time
from io import BytesIO

import numpy as np
from PIL import Image
from pptx import Presentation
from pptx.util import Inches

from actors.messages import FileTask
from actors.parser.parser import ParserConfig, docling_engine
from benchmarks.service import describe_machine
from client.models import ParseOptions

PHOTOS = 6
WIDTH, HEIGHT = 4000, 3000


def main() -> None:
    deck = np.frombuffer(make_deck(), np.uint8)
    print(describe_machine())
    print(f"{PHOTOS} photographs of {WIDTH * HEIGHT // 10**6} megapixels, {deck.size / 1e6:.0f} MB")
    engine = docling_engine(ParserConfig())
    engine.warm_up()
    for kept in (True, False):
        options = ParseOptions(include_images=kept)
        task = FileTask(job_id="j", index=0, filename="deck.pptx", size=deck.size, options=options, metadata={})
        started = time.perf_counter()
        engine.open(deck, task, split_above=PHOTOS)
        print(f"{'with' if kept else 'without'} their pixels: {time.perf_counter() - started:.2f} s")


def make_deck() -> bytes:
    """A deck with a slide for each photograph. They hold noise, which costs PNG as much as real photographs."""
    deck, numbers = Presentation(), np.random.default_rng(1)
    for number in range(PHOTOS):
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = f"Photograph {number + 1}"
        slide.shapes.add_picture(_photo(numbers), Inches(1), Inches(1.5), width=Inches(7))
    out = BytesIO()
    deck.save(out)
    return out.getvalue()


def _photo(numbers: np.random.Generator) -> BytesIO:
    shapes = numbers.integers(0, 255, (HEIGHT // 100, WIDTH // 100, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(shapes).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)).astype(np.int16)
    grainy = (smooth + numbers.integers(-6, 7, smooth.shape, dtype=np.int16)).clip(0, 255).astype(np.uint8)
    out = BytesIO()
    Image.fromarray(grainy).save(out, "JPEG", quality=90)
    out.seek(0)
    return out


if __name__ == "__main__":
    main()
