// Where the user is, as the part of the address after `#`: `#/jobs/ID/files/0/pages/3/items/17`.

import { signal } from "@preact/signals";

export interface Place {
  job: string;
  file: number;
  page: number | null;
  item: number | null;
}

const PATTERN = /^#\/jobs\/([\w.-]+)(?:\/files\/(\d+))?(?:\/pages\/(\d+))?(?:\/items\/(\d+))?$/;

/** The document that is open; null: the list of jobs. */
export const place = signal<Place | null>(parse(location.hash));

addEventListener("hashchange", () => {
  place.value = parse(location.hash);
});

export function parse(hash: string): Place | null {
  const [whole, job, file, page, item] = PATTERN.exec(hash) ?? [];
  if (!whole || !job) return null;
  return { job, file: Number(file ?? 0), page: numbered(page), item: numbered(item) };
}

function numbered(text: string | undefined): number | null {
  return text === undefined ? null : Number(text);
}

export function link(to: Partial<Place> & { job: string }): string {
  const parts = [`#/jobs/${to.job}/files/${to.file ?? 0}`];
  if (to.page != null) parts.push(`pages/${to.page}`);
  if (to.item != null) parts.push(`items/${to.item}`);
  return parts.join("/");
}

/** Go there. Moves within a document leave no trail for the back button. */
export function go(to: (Partial<Place> & { job: string }) | null, how: "push" | "replace" = "push"): void {
  const hash = to ? link(to) : "#/";
  if (how === "push") location.hash = hash;
  else {
    history.replaceState(null, "", hash);
    place.value = parse(hash);
  }
}
