// The keys of the keyboard in a document.

import { helpIsOpen } from "../views/help";
import { currentPage, pageNumbers } from "./document";
import { choose, pointed, showsOrder, turnTo } from "./marks";
import { zoomBy, zoomReset } from "./zoom";

const KEYS: Record<string, () => void> = {
  j: () => turn(1),
  k: () => turn(-1),
  o: () => (showsOrder.value = !showsOrder.value),
  "/": () => document.getElementById("search")?.focus(),
  "+": () => zoomBy(1),
  "=": () => zoomBy(1),
  "-": () => zoomBy(-1),
  "0": zoomReset,
  Escape: () => {
    pointed.value = [];
    choose(null);
  },
};

export function turn(by: number): void {
  const pages = pageNumbers.peek();
  const next = pages[pages.indexOf(currentPage.peek()) + by];
  if (next !== undefined) turnTo(next);
}

/** React to keys of a document until the returned function is called. */
export function followKeys(): () => void {
  const stop = new AbortController();
  addEventListener("keydown", (event) => react(event, KEYS), { signal: stop.signal });
  return () => stop.abort();
}

/** The keys that work everywhere. */
export function followGlobalKeys(): void {
  const everywhere = { "?": () => (helpIsOpen.value = true) };
  addEventListener("keydown", (event) => react(event, everywhere));
}

function react(event: KeyboardEvent, keys: Record<string, () => void>): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const target = event.target as HTMLElement;
  if (target.closest("input, textarea, select, dialog, iframe")) return;
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}
