// The pictures of pages, as addresses of images in memory: an <img> cannot send an API key.

import { type Signal, signal } from "@preact/signals";
import { ApiError, send } from "../api/http";

/** How many pictures are kept. */
const KEPT = 24;
const SCALES = [1, 2, 3];

export interface Picture {
  /** Of an image in memory; null until it is there, and where there is none. */
  url: string | null;
  /** The code of the server's refusal. */
  refused: string | null;
}

const COMING: Picture = { url: null, refused: null };

const kept = new Map<string, Signal<Picture>>();

/** The path of the picture that is sharp enough for a page in a pane of the given zoom. */
export function needed(job: string, file: number, page: number, width: number, zoom: number): string {
  const pixels = (Math.min(innerWidth, 900) * zoom * devicePixelRatio) / width;
  const scale = SCALES.find((each) => each >= pixels) ?? 3;
  return `jobs/${job}/files/${file}/pages/${page}.webp?scale=${scale}`;
}

/** The picture under this path, asked for if it is not there. */
export function pictureOf(path: string): Signal<Picture> {
  const there = kept.get(path);
  if (there) return there;
  const fresh = signal(COMING);
  kept.set(path, fresh);
  void load(path, fresh);
  dropOldest();
  return fresh;
}

async function load(path: string, into: Signal<Picture>): Promise<void> {
  try {
    const response = await send(path, { headers: { Accept: "image/*" } });
    into.value = { url: URL.createObjectURL(await response.blob()), refused: null };
  } catch (error) {
    if (error instanceof ApiError) into.value = { url: null, refused: error.code };
    else kept.delete(path); // ask again when the server answers
  }
}

function dropOldest(): void {
  for (const [path, picture] of kept) {
    if (kept.size <= KEPT) return;
    kept.delete(path);
    if (picture.value.url) URL.revokeObjectURL(picture.value.url);
  }
}
