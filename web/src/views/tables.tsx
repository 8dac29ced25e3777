// Every table of the document as a grid.

import { csvOf } from "../document/csv";
import type { Item } from "../document/model";
import { choose } from "../state/marks";
import { Icon } from "./icons";
import { GridTable } from "./items";
import { copy, count } from "./parts";

export function TablesTab({ items }: { items: Item[] }) {
  return (
    <div class="tables">
      {items.map((item, index) => (
        <OneTable key={item.index} item={item} number={index + 1} />
      ))}
    </div>
  );
}

function OneTable({ item, number }: { item: Item; number: number }) {
  const page = item.boxes[0]?.page;
  const grid = item.grid ?? [];
  return (
    <section aria-label={`Table ${number}`}>
      <header class="tab-tools">
        <h2>Table {number}</h2>
        <span class="hint">{count(grid.length, "row")}</span>
        {page !== undefined && (
          <button type="button" class="link" onClick={() => choose(item.index)}>
            on page {page}
          </button>
        )}
        <span class="space" />
        <button type="button" class="button small" onClick={() => void copy(csvOf(grid))}>
          <Icon name="copy" /> CSV
        </button>
      </header>
      <GridTable grid={grid} />
    </section>
  );
}
