// The routes that the page uses.

import { json, newKey, send } from "./http";
import type {
  Chunker,
  Chunks,
  FileEntry,
  Job,
  JobList,
  JobStatus,
  Offer,
  PartialResults,
  ServiceInfo,
  Submitted,
} from "./shapes";

type Stop = AbortSignal | undefined;

const init = (signal: Stop): RequestInit => (signal ? { signal } : {});

export const serviceInfo = (): Promise<ServiceInfo> => json("");

export const serverOffer = (): Promise<Offer> => json("options");

export const listJobs = (status: JobStatus | null, cursor: string | null, limit: number): Promise<JobList> =>
  json("jobs", { query: { status, cursor, limit } });

export const jobStatus = (id: string, signal?: Stop): Promise<Job> => json(`jobs/${id}`, init(signal));

export const jobsNamed = (ids: string[]): Promise<JobList> => json("jobs", { query: { ids: ids.join(",") } });

export const cancelJob = (id: string): Promise<Job> => json(`jobs/${id}/cancel`, { method: "POST" });

export async function deleteJob(id: string): Promise<void> {
  await send(`jobs/${id}`, { method: "DELETE" });
}

/** The nodes of one file, with its warnings and failures. */
export const fileEntry = (id: string, file: number, signal?: Stop): Promise<FileEntry> =>
  json(`jobs/${id}/results`, { query: { file, format: "nodes" }, ...init(signal) });

export const soFar = (id: string, file: number, signal?: Stop): Promise<PartialResults> =>
  json(`jobs/${id}/results`, { query: { file, partial: true }, ...init(signal) });

/** The document as docling writes it. */
export const documentJson = (id: string, file: number, signal?: Stop): Promise<unknown> =>
  json(`jobs/${id}/results`, { query: { file, format: "json" }, ...init(signal) });

/** The document in pieces for an embedding model. */
export const chunksOf = (id: string, file: number, chunker: Chunker, tokens: number, signal?: Stop): Promise<Chunks> =>
  json(`jobs/${id}/results`, { query: { file, format: "chunks", chunker, max_tokens: tokens }, ...init(signal) });

/** A document that the server fetches, or has from an earlier job. */
export type Source = { url: string } | { job_id: string; file?: number };

/** Submit documents without sending them. */
export const submitSources = (sources: Source[], options: Record<string, unknown>): Promise<Submitted> =>
  json("submit", {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": newKey() },
    body: JSON.stringify({ sources, options }),
  });

/** An export as text. */
export async function exported(id: string, file: number, format: string, signal?: Stop): Promise<string> {
  return (await send(`jobs/${id}/results`, { query: { file, format }, ...init(signal) })).text();
}
