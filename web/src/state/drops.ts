// Files dropped anywhere on the page, or pasted into it, become a job.

import { signal } from "@preact/signals";
import { filesIn, sorted } from "./files";
import { options } from "./options";
import { complain, spoken } from "./session";
import { service } from "./start";
import { submit } from "./uploads";

export const isDragging = signal(false);
/** Files that were not sent, with the reason. */
export const leftOut = signal<{ name: string; why: string }[]>([]);

/** Submit these files as one job, without those that the server does not read. */
export function take(files: File[]): void {
  const visible = files.filter((file) => !file.name.startsWith("."));
  const { accepted, refused } = sorted(visible, service.value?.supported_formats ?? []);
  leftOut.value = refused;
  if (!accepted.length) return;
  spoken.value = accepted.length === 1 ? `Sending ${accepted[0]?.name}` : `Sending ${accepted.length} files`;
  void submit(accepted, options.value);
}

async function takeFrom(data: DataTransfer | null): Promise<void> {
  if (!data) return;
  try {
    const files = await filesIn(data);
    if (files.length) take(files);
  } catch (error) {
    complain(error);
  }
}

/** Listen on the whole window. Returns what ends it. */
export function followDrops(): () => void {
  const stop = new AbortController();
  const on = <E extends keyof WindowEventMap>(name: E, react: (event: WindowEventMap[E]) => void) =>
    addEventListener(name, react, { signal: stop.signal });
  on("dragover", (event) => {
    event.preventDefault();
    isDragging.value = true;
  });
  on("dragleave", (event) => {
    if (!event.relatedTarget) isDragging.value = false;
  });
  on("drop", (event) => {
    event.preventDefault();
    isDragging.value = false;
    void takeFrom(event.dataTransfer);
  });
  on("paste", (event) => void takeFrom(event.clipboardData));
  return () => stop.abort();
}
