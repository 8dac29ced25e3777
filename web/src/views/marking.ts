// Marks the same item on the picture and in the text. It changes classes in place: a page may have hundreds of items.

import { useSignalEffect } from "@preact/signals";
import type { RefObject } from "preact";
import { choose, chosen, pointed } from "../state/marks";

const itemOf = (target: EventTarget | null): HTMLElement | SVGElement | null =>
  target instanceof Element ? target.closest<HTMLElement | SVGElement>("[data-item]") : null;

/** The items that an element stands for. */
const numbersOf = (element: HTMLElement | SVGElement | null): number[] =>
  element?.dataset["item"]?.split(" ").map(Number) ?? [];

/** Keep the marks inside `box`, and bring a chosen item into view. */
export function useMarks(box: RefObject<Element | null>): void {
  useSignalEffect(() => {
    mark(box.current, "pointed", pointed.value);
  });
  useSignalEffect(() => {
    const [first] = mark(box.current, "chosen", chosen.value === null ? [] : [chosen.value]);
    if (first) bringIntoView(first);
  });
}

/** The elements of these items get a class, and all others lose it. */
function mark(box: Element | null, name: string, items: readonly number[]): Element[] {
  for (const before of box?.querySelectorAll(`.${name}`) ?? []) before.classList.remove(name);
  const found = items.flatMap((item) => [...(box?.querySelectorAll(`[data-item~="${item}"]`) ?? [])]);
  for (const element of found) element.classList.add(name);
  return found;
}

function bringIntoView(element: Element): void {
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  element.scrollIntoView({ block: "nearest", inline: "nearest", behavior: isStill ? "auto" : "smooth" });
}

/** The handlers of a box with items: pointing, focus, a click, and arrows that walk from item to item. */
export const following = {
  onPointerOver: (event: PointerEvent) => {
    pointed.value = numbersOf(itemOf(event.target));
  },
  onPointerLeave: () => {
    pointed.value = [];
  },
  onFocusIn: (event: FocusEvent) => {
    pointed.value = numbersOf(itemOf(event.target));
  },
  onFocusOut: () => {
    pointed.value = [];
  },
  onClick: (event: MouseEvent) => {
    const [item] = numbersOf(itemOf(event.target));
    if (item !== undefined && !getSelection()?.toString()) choose(item);
  },
  onKeyDown: (event: KeyboardEvent) => {
    const from = itemOf(event.target);
    if (!from) return;
    const to = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (event.key === "Enter" || event.key === " ") choose(numbersOf(from)[0] ?? null);
    else if (to) walk(from, to);
    else return;
    event.preventDefault();
  },
};

function walk(from: HTMLElement | SVGElement, by: number): void {
  const all = [...(from.closest("[data-items]")?.querySelectorAll<HTMLElement>("[data-item]") ?? [])];
  all[all.indexOf(from as HTMLElement) + by]?.focus();
}
