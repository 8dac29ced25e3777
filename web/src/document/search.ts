// Search in the open document.

import type { Node } from "../api/shapes";
import type { Model } from "./model";

export interface Hit {
  item: number | null;
  page: number;
  before: string;
  match: string;
  after: string;
}

const AROUND = 40;
const AT_MOST = 200;

export interface Passage {
  item: number | null;
  page: number;
  text: string;
}

/** What is searched: the items, or the pages so far while there are none. */
export function passagesOf(model: Model | null, nodes: Node[]): Passage[] {
  if (!model) return nodes.map((node) => ({ item: null, page: node.metadata.page_number ?? 0, text: node.text }));
  return model.items.map((item) => ({
    item: item.index,
    page: item.boxes[0]?.page ?? 0,
    text: item.grid ? item.grid.flatMap((row) => row.map((cell) => cell.text)).join(" ") : item.text,
  }));
}

/** Every place where the words stand, however they are written in capitals or spaced. */
export function find(passages: Passage[], wanted: string): Hit[] {
  const pattern = patternOf(wanted);
  if (!pattern) return [];
  const hits: Hit[] = [];
  for (const { item, page, text } of passages) {
    for (const match of text.matchAll(pattern)) {
      const end = match.index + match[0].length;
      hits.push({
        item,
        page,
        before: text.slice(Math.max(0, match.index - AROUND), match.index),
        match: match[0],
        after: text.slice(end, end + AROUND),
      });
      if (hits.length === AT_MOST) return hits;
    }
  }
  return hits;
}

export function patternOf(wanted: string): RegExp | null {
  const words = wanted.trim().split(/\s+/).filter(Boolean);
  if (!words.length) return null;
  return new RegExp(words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("\\s+"), "giu");
}
