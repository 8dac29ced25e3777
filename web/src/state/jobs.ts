// The list of jobs: loaded by the page, then kept current by one stream of changes.

import { type Signal, signal } from "@preact/signals";
import { jobStatus, jobsNamed, listJobs } from "../api/calls";
import { follow, type ServerEvent } from "../api/events";
import { ended, type Job, type JobStatus } from "../api/shapes";
import { complain, connection } from "./session";

const PAGE = 50;
const QUEUE_CHECK_MS = 3_000;
const MAX_IDS = 100;

/** Which jobs the list shows; null: all. */
export const shownStatus = signal<JobStatus | null>(null);
/** The ids in the list, newest first. */
export const listed = signal<string[]>([]);
export const isLoaded = signal(false);
export const hasMore = signal(false);

const known = new Map<string, Signal<Job | null>>();
/** Jobs that changed while the list was on its way: it may not have them yet. */
const changedMeanwhile = new Set<string>();
let cursor: string | null = null;
let loading: Promise<void> | null = null;
let generation = 0;

/** The job as it is known now; null until it is known, and after it is deleted. */
export function job(id: string): Signal<Job | null> {
  let entry = known.get(id);
  if (!entry) {
    entry = signal<Job | null>(null);
    known.set(id, entry);
  }
  return entry;
}

/** Ask for a job that may not be in the list. */
export async function fetchJob(id: string): Promise<void> {
  learn(await jobStatus(id));
}

/** Show the jobs in a state, or all. */
export function show(status: JobStatus | null): Promise<void> {
  shownStatus.value = status;
  return reload();
}

/** Read the first page again, at least as many jobs as were listed. */
export function reload(): Promise<void> {
  generation += 1;
  changedMeanwhile.clear();
  loading = load(null, Math.min(Math.max(PAGE, listed.peek().length), 500));
  return loading;
}

/** Read the next page of the list. */
export async function more(): Promise<void> {
  await loading;
  if (cursor === null) return;
  loading = load(cursor, PAGE);
  await loading;
}

async function load(from: string | null, limit: number): Promise<void> {
  const asked = generation;
  try {
    const page = await listJobs(shownStatus.value, from, limit);
    if (asked !== generation) return; // another list was asked for meanwhile
    for (const each of page.jobs) job(each.job_id).value = newest(each);
    const ids = page.jobs.map((each) => each.job_id);
    const before = from === null ? [] : listed.value;
    listed.value = [...new Set([...before, ...ids])];
    cursor = page.next_cursor;
    hasMore.value = cursor !== null;
    isLoaded.value = true;
    for (const id of changedMeanwhile) list(known.get(id)?.peek() ?? null);
    changedMeanwhile.clear();
  } catch (error) {
    complain(error);
  }
}

/** What an answer says of a job, unless the stream has told its end meanwhile. */
function newest(answered: Job): Job {
  const now = known.get(answered.job_id)?.peek();
  return now && ended(now) ? now : answered;
}

/** Take in the answer about a job. */
export const learn = (answered: Job): void => remember(newest(answered));

/** Take in a change of a job, and put it into the list where it belongs. */
function remember(changed: Job): void {
  job(changed.job_id).value = changed;
  changedMeanwhile.add(changed.job_id);
  if (isLoaded.value) list(changed);
}

/** Put a job into the list, or take it out of it. */
function list(one: Job | null): void {
  if (!one) return;
  const wanted = shownStatus.value === null || shownStatus.value === one.status;
  const isListed = listed.value.includes(one.job_id);
  if (isListed && !wanted) listed.value = listed.value.filter((id) => id !== one.job_id);
  if (!isListed && wanted) insert(one);
}

function insert(fresh: Job): void {
  const submitted = (id: string) => known.get(id)?.value?.submitted_at ?? 0;
  const place = listed.value.findIndex((id) => submitted(id) <= fresh.submitted_at);
  if (place === -1 && hasMore.value) return; // it is on a page that was not read yet
  const at = place === -1 ? listed.value.length : place;
  listed.value = listed.value.toSpliced(at, 0, fresh.job_id);
}

/** The job is gone. */
export function forget(id: string): void {
  listed.value = listed.value.filter((each) => each !== id);
  job(id).value = null;
}

/** Know no job: another key has other jobs. */
export function clearJobs(): void {
  generation += 1;
  listed.value = [];
  isLoaded.value = false;
  hasMore.value = false;
  for (const entry of known.values()) entry.value = null;
}

/** Keep the list current until `signal` is aborted. */
export function followJobs(signal: AbortSignal): Promise<void> {
  const onState = (live: boolean) => {
    connection.value = live ? "live" : "lost";
  };
  return follow("events", { onEvent, onState }, signal);
}

function onEvent(event: ServerEvent): void {
  if (event.name === "sync") {
    void reload();
    void refresh((each) => !ended(each));
    return;
  }
  const changed = JSON.parse(event.data) as Job;
  if (event.name === "removed") {
    forget(changed.job_id);
    return;
  }
  const before = known.get(changed.job_id)?.peek();
  remember(changed);
  if (before?.status === "pending" && changed.status !== "pending") checkQueueSoon();
}

let queueCheck = 0;

/** A job has left the queue, so those behind it have moved up; the stream tells no positions. */
function checkQueueSoon(): void {
  if (queueCheck) return;
  queueCheck = setTimeout(() => {
    queueCheck = 0;
    void refresh((each) => each.status === "pending");
  }, QUEUE_CHECK_MS);
}

/** Ask again for known jobs, also for those that are not in the list. */
async function refresh(which: (job: Job) => boolean): Promise<void> {
  const jobs = [...known.values()].flatMap((entry) => entry.peek() ?? []).filter(which);
  const ids = jobs.slice(0, MAX_IDS).map((each) => each.job_id);
  if (!ids.length) return;
  try {
    for (const each of (await jobsNamed(ids)).jobs) {
      if (known.get(each.job_id)?.peek()) learn(each); // it may have been deleted meanwhile
    }
  } catch (error) {
    complain(error);
  }
}
