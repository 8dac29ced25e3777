// Files dropped anywhere on the page, or pasted into it, become a job.

import { signal } from "@preact/signals";
import { filesIn, sorted } from "./files";
import { options } from "./options";
import { go } from "./route";
import { complain, spoken } from "./session";
import { service } from "./start";
import { submit, uploads } from "./uploads";

export const isDragging = signal(false);
/** Files that were not sent, with the reason. */
export const leftOut = signal<{ name: string; why: string }[]>([]);

/** Submit these files as one job, without those that the server does not read. */
export function take(files: File[]): void {
  const visible = files.filter((file) => !file.name.startsWith("."));
  const { accepted, refused } = sorted(visible, service.value?.supported_formats ?? []);
  leftOut.value = refused;
  if (!accepted.length) return;
  go(null); // there is their progress
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

/** Listen on the whole window. Runs for the life of the page. */
export function followDrops(): void {
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return; // text that is dragged into a field
    event.preventDefault();
    isDragging.value = true;
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) isDragging.value = false;
  });
  addEventListener("drop", (event) => {
    isDragging.value = false;
    if (!hasFiles(event)) return;
    event.preventDefault();
    void takeFrom(event.dataTransfer);
  });
  addEventListener("paste", (event) => void takeFrom(event.clipboardData));
  addEventListener("beforeunload", (event) => {
    if (uploads.value.length) event.preventDefault(); // then the browser asks first
  });
}

const hasFiles = (event: DragEvent): boolean => Boolean(event.dataTransfer?.types.includes("Files"));
