// Marks the same item on the picture and in the text. It changes classes in place: a page may have hundreds of items.

import { useSignalEffect } from "@preact/signals";
import type { RefObject } from "preact";
import { choose, chosen, pointed } from "../state/marks";

const itemOf = (target: EventTarget | null): HTMLElement | SVGElement | null =>
  target instanceof Element ? target.closest<HTMLElement | SVGElement>("[data-item]") : null;

const numberOf = (element: HTMLElement | SVGElement | null): number | null =>
  element ? Number(element.dataset["item"]) : null;

/** Keep the marks inside `box`, and bring a chosen item into view. */
export function useMarks(box: RefObject<Element | null>): void {
  useSignalEffect(() => {
    marked(box.current, "pointed", pointed.value);
  });
  useSignalEffect(() => {
    const [first] = marked(box.current, "chosen", chosen.value);
    if (first) bringIntoView(first);
  });
}

/** The elements of an item get a class, and all others lose it. */
export function marked(box: Element | null, name: string, item: number | null): Element[] {
  for (const before of box?.querySelectorAll(`.${name}`) ?? []) before.classList.remove(name);
  const found = item === null ? [] : [...(box?.querySelectorAll(`[data-item="${item}"]`) ?? [])];
  for (const element of found) element.classList.add(name);
  return found;
}

export function bringIntoView(element: Element): void {
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  element.scrollIntoView({ block: "nearest", inline: "nearest", behavior: isStill ? "auto" : "smooth" });
}

/** The handlers of a box with items: pointing, focus, a click, and arrows that walk from item to item. */
export const following = {
  onPointerOver: (event: PointerEvent) => {
    pointed.value = numberOf(itemOf(event.target));
  },
  onPointerLeave: () => {
    pointed.value = null;
  },
  onFocusIn: (event: FocusEvent) => {
    pointed.value = numberOf(itemOf(event.target));
  },
  onFocusOut: () => {
    pointed.value = null;
  },
  onClick: (event: MouseEvent) => {
    const item = numberOf(itemOf(event.target));
    if (item !== null && !getSelection()?.toString()) choose(item);
  },
  onKeyDown: (event: KeyboardEvent) => {
    const from = itemOf(event.target);
    if (!from) return;
    const to = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (event.key === "Enter" || event.key === " ") choose(numberOf(from));
    else if (to) walk(from, to);
    else return;
    event.preventDefault();
  },
};

function walk(from: HTMLElement | SVGElement, by: number): void {
  const all = [...(from.closest("[data-items]")?.querySelectorAll<HTMLElement>("[data-item]") ?? [])];
  all[all.indexOf(from as HTMLElement) + by]?.focus();
}
