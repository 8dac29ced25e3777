// The open document: one file of a job, as far as it is parsed.

import { computed, effect, signal } from "@preact/signals";
import { documentJson, fileEntry, soFar } from "../api/calls";
import { ApiError, Unreachable } from "../api/http";
import { ended, type FileEntry, type Job, type PartialFile } from "../api/shapes";
import { type Model, modelOf } from "../document/model";
import { fetchJob, job } from "./jobs";
import { place } from "./route";
import { complain } from "./session";

export interface OpenDocument {
  /** The final result; null while the job runs. */
  entry: FileEntry | null;
  /** The pages so far; null once the job has ended. */
  partial: PartialFile | null;
  /** Where each piece of text stands; null while the job runs, and for a file that failed. */
  model: Model | null;
  json: unknown;
}

const EMPTY: OpenDocument = { entry: null, partial: null, model: null, json: null };
/** Between two requests for the pages so far. */
const PARTIAL_EVERY_MS = 1_000;
const RETRY_MS = 2_000;

export const opened = signal<OpenDocument>(EMPTY);
/** Why the document cannot be shown; empty when it can. */
export const missing = signal("");

export const openJob = computed<Job | null>(() => (place.value ? job(place.value.job).value : null));

const openFile = computed(() => (place.value ? `${place.value.job} ${place.value.file}` : ""));

/** Load what the place names whenever it or its job changes. Runs for the life of the page. */
export function keepDocument(): void {
  effect(() => {
    const [id, file] = openFile.value.split(" ");
    opened.value = EMPTY;
    missing.value = "";
    if (!id) return;
    const stop = new AbortController();
    void open(id, Number(file), stop.signal);
    return () => stop.abort();
  });
}

/** Load a file, and try again while the server is away. */
async function open(id: string, file: number, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    try {
      await load(id, file, stop);
      return;
    } catch (error) {
      if (stop.aborted) return;
      if (!(error instanceof Unreachable)) return refused(error);
      await pause(RETRY_MS);
    }
  }
}

async function load(id: string, file: number, stop: AbortSignal): Promise<void> {
  await fetchJob(id);
  await watchPages(id, file, stop);
  const now = job(id).peek();
  if (!stop.aborted && now?.status === "completed") await loadResult(id, file, stop);
}

function refused(error: unknown): void {
  if (error instanceof ApiError && [404, 410].includes(error.status)) missing.value = error.message;
  else complain(error);
}

const pause = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms));

/** Take in the finished pages until the job has ended. */
async function watchPages(id: string, file: number, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const now = job(id).peek();
    if (!now || ended(now)) return;
    if (now.status === "processing") {
      const answer = await soFar(id, file, stop);
      const part = answer.partial?.files.at(-1);
      if (part && !stop.aborted) opened.value = { ...opened.peek(), partial: part };
    }
    await changeAfter(now, id, stop);
  }
}

/** Wait until a job is no longer as it was `before`, and at least for a pause. It may have changed already. */
async function changeAfter(before: Job, id: string, stop: AbortSignal): Promise<void> {
  await pause(PARTIAL_EVERY_MS);
  let dispose = () => {};
  await new Promise<void>((wake) => {
    stop.addEventListener("abort", () => wake(), { once: true });
    dispose = job(id).subscribe((now) => {
      if (now !== before || stop.aborted) wake();
    });
  });
  dispose();
}

async function loadResult(id: string, file: number, stop: AbortSignal): Promise<void> {
  const entry = await fileEntry(id, file, stop);
  if (stop.aborted) return;
  opened.value = { ...EMPTY, entry };
  if (!entry.success) return;
  const json = await documentJson(id, file, stop);
  if (!stop.aborted) opened.value = { entry, partial: null, model: modelOf(json), json };
}

/** The pages of the open document, from 1. Empty for a format without pages. */
export const pageNumbers = computed<number[]>(() => {
  const { model, entry, partial } = opened.value;
  if (model?.pages.length) return model.pages.map((page) => page.number);
  const nodes = entry?.nodes ?? partial?.nodes ?? [];
  const named = nodes.flatMap((node) => node.metadata.page_number ?? []);
  if (!named.length) return [];
  const total = Math.max(...named, ...nodes.flatMap((node) => node.metadata.total_pages ?? []));
  return Array.from({ length: total }, (_, index) => index + 1);
});

/** The page in view; 0 for a format without pages. */
export const currentPage = computed<number>(() => {
  const pages = pageNumbers.value;
  const wanted = place.value?.page ?? pages[0] ?? 0;
  return pages.includes(wanted) ? wanted : (pages[0] ?? 0);
});
