// What was read, in tabs.

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { ended } from "../api/shapes";
import { opened, openJob } from "../state/document";
import type { Place } from "../state/route";
import { ChunksTab } from "./chunks";
import { HtmlPreview } from "./htmlpreview";
import { ItemsTab } from "./items";
import { JsonTab } from "./jsontree";
import { MarkdownTab, RunningTab } from "./markdowntab";
import { ReportTab, remarksOf } from "./report";
import { TablesTab } from "./tables";

interface Tab {
  name: string;
  number?: number;
  show: (place: Place) => ComponentChildren;
}

const chosenTab = signal("Content");

function tabs(): Tab[] {
  const { model, entry, partial } = opened.value;
  if (!entry) return partial ? [{ name: "Content", show: () => <RunningTab /> }] : [];
  const report = { name: "Report", number: remarksOf(entry), show: () => <ReportTab entry={entry} /> };
  if (!entry.success) return [report];
  if (!model) return [{ name: "Content", show: () => <p class="nothing">Loading …</p> }, report];
  const grids = model.items.filter((item) => item.grid);
  return [
    { name: "Content", show: () => <ItemsTab model={model} /> },
    { name: "Markdown", show: (place) => <MarkdownTab place={place} /> },
    { name: "HTML", show: (place) => <HtmlPreview place={place} /> },
    ...(grids.length ? [{ name: "Tables", number: grids.length, show: () => <TablesTab items={grids} /> }] : []),
    { name: "Chunks", show: (place) => <ChunksTab place={place} model={model} /> },
    { name: "JSON", show: () => <JsonTab /> },
    report,
  ];
}

export function ContentPane({ place }: { place: Place }) {
  const all = tabs();
  const current = all.find((tab) => tab.name === chosenTab.value) ?? all[0];
  if (!current) return <Waiting />;
  return (
    <section class="content-pane" aria-label="Content">
      <div class="tabs" role="tablist" aria-label="What was read" onKeyDown={walk}>
        {all.map(({ name, number }) => (
          <button
            type="button"
            key={name}
            id={`tab-${name}`}
            role="tab"
            aria-selected={name === current.name}
            aria-controls="tab-panel"
            tabIndex={name === current.name ? 0 : -1}
            onClick={() => (chosenTab.value = name)}
          >
            {name}
            {number ? <span class="number">{number}</span> : null}
          </button>
        ))}
      </div>
      <div class="tab-panel" id="tab-panel" role="tabpanel" aria-labelledby={`tab-${current.name}`} tabIndex={0}>
        {current.show(place)}
      </div>
    </section>
  );
}

/** Left and right go from tab to tab. */
function walk(event: KeyboardEvent): void {
  const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
  if (!by) return;
  const all = tabs();
  const at = all.findIndex((tab) => tab.name === chosenTab.value);
  const next = all[(Math.max(at, 0) + by + all.length) % all.length];
  if (!next) return;
  chosenTab.value = next.name;
  document.getElementById(`tab-${next.name}`)?.focus();
}

function Waiting() {
  const job = openJob.value;
  const text = !job ? "Loading …" : job.error && ended(job) ? job.error : waitingText(job.queue_position);
  return (
    <section class="content-pane" aria-label="Content">
      <p class="nothing" role="status">
        {text}
      </p>
    </section>
  );
}

const waitingText = (position: number | null): string =>
  position ? `Waiting for its turn, at place ${position} of the queue.` : "The first pages are on their way.";
