// The content of a page, piece by piece. Each piece knows its box.

import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import type { Grid, Item, Model } from "../document/model";
import { currentPage } from "../state/document";
import { chosen } from "../state/marks";
import { following, useMarks } from "./marking";

export function ItemsTab({ model }: { model: Model }) {
  const box = useRef<HTMLDivElement>(null);
  useMarks(box);
  const here = currentPage.value;
  const items = model.byPage.get(here) ?? [];
  const nowhere = here ? (model.byPage.get(0) ?? []) : [];
  if (!items.length && !nowhere.length) return <p class="nothing">There is no text on this page.</p>;
  return (
    <div class="reading" ref={box} {...following} data-items key={here}>
      <Items items={items} />
      {nowhere.length > 0 && (
        <>
          <p class="hint">Not on a page:</p>
          <Items items={nowhere} />
        </>
      )}
    </div>
  );
}

function Items({ items }: { items: Item[] }) {
  const stop = items.some((item) => item.index === chosen.value) ? chosen.value : items[0]?.index;
  return (
    <>
      {runs(items).map((run) =>
        isList(run[0]) ? <List items={run} stop={stop} /> : <Pieces items={run} stop={stop} />,
      )}
    </>
  );
}

const isList = (item: Item | undefined): boolean => item?.label === "list_item";

/** Neighbours that are all list items, or all none. */
function runs(items: Item[]): Item[][] {
  const found: Item[][] = [];
  for (const item of items) {
    const last = found.at(-1);
    if (last && isList(last[0]) === isList(item)) last.push(item);
    else found.push([item]);
  }
  return found;
}

interface RunProps {
  items: Item[];
  stop: number | null | undefined;
}

function List({ items, stop }: RunProps) {
  return (
    <ul>
      {items.map((item) => (
        <li
          key={item.index}
          class="item"
          data-item={item.index}
          tabIndex={item.index === stop ? 0 : -1}
          style={{ marginInlineStart: `${(item.depth - 1) * 1.4}em` }}
        >
          <span class="marker">{item.marker || "•"}</span>
          <Linked item={item} />
        </li>
      ))}
    </ul>
  );
}

function Pieces({ items, stop }: RunProps) {
  return (
    <>
      {items.map((item) => (
        <div
          key={item.index}
          class={`item label-${item.label}`}
          data-item={item.index}
          tabIndex={item.index === stop ? 0 : -1}
        >
          <Piece item={item} />
        </div>
      ))}
    </>
  );
}

function Piece({ item }: { item: Item }) {
  if (item.grid) return <GridTable grid={item.grid} />;
  if (item.label === "picture") return <Figure item={item} />;
  if (item.label === "code" || item.label === "formula") {
    return (
      <pre>
        <code>{item.text}</code>
      </pre>
    );
  }
  if (item.label === "title" || item.label === "section_header") return <Heading item={item} />;
  return (
    <p dir="auto">
      <Linked item={item} />
    </p>
  );
}

/** The headings of the page stand under the document's name, which is its h1. */
function Heading({ item }: { item: Item }) {
  const Tag = `h${Math.min(item.level + 1, 6)}` as "h2";
  return (
    <Tag dir="auto">
      <Linked item={item} />
    </Tag>
  );
}

function Figure({ item }: { item: Item }) {
  return item.image ? <img src={item.image} alt={item.text || "Picture"} /> : <p class="figure">Picture</p>;
}

function Linked({ item }: { item: Item }): ComponentChildren {
  if (!item.href) return item.text;
  return (
    <a href={item.href} target="_blank" rel="noreferrer">
      {item.text}
    </a>
  );
}

export function GridTable({ grid }: { grid: Grid }) {
  return (
    <div class="grid">
      <table>
        <tbody>
          {grid.map((row, at) => (
            <tr key={at}>
              {row.map((cell, column) => {
                const Tag = cell.isHeader ? "th" : "td";
                return (
                  <Tag key={column} rowSpan={cell.rows} colSpan={cell.columns} dir="auto">
                    {cell.text}
                  </Tag>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
