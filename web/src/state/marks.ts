// Which item is marked: on the picture of the page and in the text at once.

import { computed, signal } from "@preact/signals";
import { currentPage, opened } from "./document";
import { go, place } from "./route";

/** The items under the mouse, or focused. A chunk has several. */
export const pointed = signal<readonly number[]>([]);
/** In the address: clicked, found, or linked to. */
export const chosen = computed<number | null>(() => place.value?.item ?? null);

export const showsOrder = signal(false);
/** Labels whose boxes are switched off. */
export const hiddenLabels = signal<ReadonlySet<string>>(new Set());

export function toggleLabel(label: string): void {
  const hidden = new Set(hiddenLabels.value);
  if (!hidden.delete(label)) hidden.add(label);
  hiddenLabels.value = hidden;
}

/** Mark an item for good, and name it in the address. */
export function choose(item: number | null): void {
  const here = place.peek();
  if (!here) return;
  const pages = item === null ? [] : (opened.peek().model?.items[item]?.boxes.map((box) => box.page) ?? []);
  const page = pages.includes(currentPage.peek()) ? currentPage.peek() : (pages[0] ?? currentPage.peek());
  go({ ...here, page: page || null, item }, "replace");
}

export function turnTo(page: number): void {
  const here = place.peek();
  pointed.value = [];
  if (here) go({ ...here, page, item: null }, "replace");
}
