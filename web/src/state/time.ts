// The time, for ages in the list.

import { signal } from "@preact/signals";

const TICK_MS = 5_000;

/** In Unix seconds. */
export const now = signal(Date.now() / 1000);

setInterval(() => {
  if (!document.hidden) now.value = Date.now() / 1000;
}, TICK_MS);
