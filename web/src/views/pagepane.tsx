// The picture of a page, with a box around each piece of text.

import { useRef } from "preact/hooks";
import type { Box, Item, Model, PageSize } from "../document/model";
import { currentPage } from "../state/document";
import { chosen, hiddenLabels, showsOrder, toggleLabel } from "../state/marks";
import { needed, pictureOf } from "../state/pictures";
import type { Place } from "../state/route";
import { connection } from "../state/session";
import { zoom, zoomBy, zoomReset } from "../state/zoom";
import { following, useMarks } from "./marking";
import { IconButton } from "./parts";

export function PagePane({ model, place }: { model: Model; place: Place }) {
  const page = model.pages.find((each) => each.number === currentPage.value);
  const items = model.byPage.get(currentPage.value) ?? [];
  if (!page) return null;
  return (
    <section class="page-pane" aria-label={`Page ${page.number}`}>
      <div class="page-tools">
        <Legend items={items} />
        <IconButton
          icon="order"
          label="Show the reading order (o)"
          pressed={showsOrder.value}
          onClick={() => (showsOrder.value = !showsOrder.value)}
        />
        <IconButton icon="minus" label="Zoom out (−)" onClick={() => zoomBy(-1)} />
        <button type="button" class="zoom" title="Fit the page (0)" onClick={zoomReset}>
          {Math.round(zoom.value * 100)} %
        </button>
        <IconButton icon="plus" label="Zoom in (+)" onClick={() => zoomBy(1)} />
      </div>
      <Sheet page={page} items={items} place={place} />
    </section>
  );
}

/** A page of a running job: its picture is there before its text. */
export function RunningPage({ picture, page }: { picture: string; page: number }) {
  return (
    <section class="page-pane" aria-label={`Page ${page}`}>
      <div class="sheet-scroll" tabIndex={0}>
        <div class="sheet plain">
          <img src={picture} alt={`Page ${page}`} />
        </div>
      </div>
    </section>
  );
}

/** The labels on this page; a click switches the boxes of one. */
function Legend({ items }: { items: Item[] }) {
  const labels = [...new Set(items.filter((item) => item.boxes.length).map((item) => item.label))];
  return (
    <div class="legend" role="group" aria-label="Boxes to show">
      {labels.map((label) => (
        <button
          type="button"
          key={label}
          class={`label-${label}`}
          aria-pressed={!hiddenLabels.value.has(label)}
          onClick={() => toggleLabel(label)}
        >
          {label.replaceAll("_", " ")}
        </button>
      ))}
    </div>
  );
}

function Sheet({ page, items, place }: { page: PageSize; items: Item[]; place: Place }) {
  const box = useRef<HTMLDivElement>(null);
  useMarks(box);
  return (
    // The boxes are in the order of reading, and focus walks through them.
    <div class="sheet-scroll" ref={box} {...following} data-items tabIndex={0}>
      <div class="sheet" style={{ width: `${zoom.value * 100}%`, aspectRatio: `${page.width} / ${page.height}` }}>
        <Picture page={page} place={place} />
        <Boxes page={page} items={items} />
      </div>
    </div>
  );
}

function Picture({ page, place }: { page: PageSize; place: Place }) {
  void connection.value; // a picture that the server could not give while it was away is asked for again
  const source = pictureOf(needed(place.job, place.file, page.number, page.width, zoom.value)).value.url;
  return source ? <img src={source} alt={`Page ${page.number}`} draggable={false} /> : null;
}

function Boxes({ page, items }: { page: PageSize; items: Item[] }) {
  const hidden = hiddenLabels.value;
  const shown = items.filter((item) => !hidden.has(item.label));
  const first = shown[0]?.index;
  const focusable = shown.some((item) => item.index === chosen.value) ? chosen.value : first;
  return (
    <svg
      class="boxes"
      viewBox={`0 0 ${page.width} ${page.height}`}
      role="group"
      aria-label="Pieces of text on the page"
    >
      {shown.flatMap((item) =>
        item.boxes
          .filter((box) => box.page === page.number)
          .map((box) => (
            <ItemBox key={`${item.index}-${box.top}`} item={item} box={box} isStop={item.index === focusable} />
          )),
      )}
      {showsOrder.value && <Order page={page} items={shown} />}
    </svg>
  );
}

function ItemBox({ item, box, isStop }: { item: Item; box: Box; isStop: boolean }) {
  const start = item.text.slice(0, 60) || item.label;
  return (
    <rect
      class={`box label-${item.label}`}
      data-item={item.index}
      x={box.left}
      y={box.top}
      width={box.width}
      height={box.height}
      tabIndex={isStop ? 0 : -1}
      role="button"
      aria-label={`${item.label.replaceAll("_", " ")}: ${start}`}
    />
  );
}

/** A line from box to box, with numbers. */
function Order({ page, items }: { page: PageSize; items: Item[] }) {
  const boxes = items.flatMap((item) => item.boxes.filter((box) => box.page === page.number));
  const size = page.width / 55;
  const middles = boxes.map((box) => ({ x: box.left, y: box.top + Math.min(box.height / 2, size) }));
  return (
    <g class="order" aria-hidden="true">
      <polyline points={middles.map(({ x, y }) => `${x},${y}`).join(" ")} />
      {middles.map(({ x, y }, index) => (
        <g key={`${x} ${y}`} transform={`translate(${x} ${y})`}>
          <circle r={size} />
          <text font-size={size * 1.1} dy="0.36em">
            {index + 1}
          </text>
        </g>
      ))}
    </g>
  );
}
