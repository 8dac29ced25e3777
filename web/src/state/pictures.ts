// The pictures of pages, as addresses of images in memory: an <img> cannot send an API key.

import { type Signal, signal } from "@preact/signals";
import { ApiError, send } from "../api/http";

/** How many pictures are kept. */
const KEPT = 24;
const SCALES = [1, 2, 3];

const kept = new Map<string, Signal<string | null>>();

/** The path of the picture that is sharp enough for a page in a pane of the given zoom. */
export function needed(job: string, file: number, page: number, width: number, zoom: number): string {
  const pixels = (Math.min(innerWidth, 900) * zoom * devicePixelRatio) / width;
  const scale = SCALES.find((each) => each >= pixels) ?? 3;
  return `jobs/${job}/files/${file}/pages/${page}.webp?scale=${scale}`;
}

/** The picture under this path; null until it is there, and where there is none. */
export function pictureOf(path: string): Signal<string | null> {
  const there = kept.get(path);
  if (there) return there;
  const fresh = signal<string | null>(null);
  kept.set(path, fresh);
  void load(path, fresh);
  dropOldest();
  return fresh;
}

async function load(path: string, into: Signal<string | null>): Promise<void> {
  try {
    const response = await send(path, { headers: { Accept: "image/*" } });
    into.value = URL.createObjectURL(await response.blob());
  } catch (error) {
    if (!(error instanceof ApiError)) kept.delete(path); // ask again when the server answers
  }
}

function dropOldest(): void {
  for (const [path, picture] of kept) {
    if (kept.size <= KEPT) return;
    kept.delete(path);
    if (picture.value) URL.revokeObjectURL(picture.value);
  }
}
