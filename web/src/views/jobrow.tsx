// One job in the list.

import { cancelJob, deleteJob } from "../api/calls";
import { ended, type Job } from "../api/shapes";
import { askAgain } from "../state/again";
import { forget, job, learn } from "../state/jobs";
import { go, link, place } from "../state/route";
import { complain, spoken } from "../state/session";
import { now } from "../state/time";
import { count, IconButton } from "./parts";

export function JobRow({ id }: { id: string }) {
  const known = job(id).value;
  if (!known) return null;
  const files = Math.max(known.progress.files_total, known.filenames.length); // the total is 0 until it runs
  return (
    <li class={`row ${stateOf(known)}`} data-job={id}>
      <a class="row-name" href={link({ job: id })}>
        <StateDot of={known} />
        <Kind name={known.filenames[0] ?? ""} />
        <span class="names">
          <bdi>{known.filenames[0] ?? `Job ${id}`}</bdi>
          {files > 1 && <small> and {count(files - 1, "more file")}</small>}
        </span>
      </a>
      <ProgressCell of={known} />
      <Remarks of={known} />
      <time dateTime={new Date(known.submitted_at * 1000).toISOString()} title={exactly(known.submitted_at)}>
        {age(known.submitted_at, now.value)}
      </time>
      <Actions of={known} />
    </li>
  );
}

/** The kind of a file, by the end of its name. */
function Kind({ name }: { name: string }) {
  const [, suffix = ""] = /\.(\w{1,5})$/.exec(name) ?? [];
  return (
    <span class="kind" aria-hidden="true">
      {suffix}
    </span>
  );
}

export type State = "waiting" | "running" | "done" | "failed" | "cancelled";

export function stateOf(known: Job): State {
  if (known.status === "pending") return "waiting";
  if (known.status === "processing") return "running";
  if (known.reason === "cancelled") return "cancelled";
  return known.status === "completed" ? "done" : "failed";
}

const WORDS: Record<State, string> = {
  waiting: "Waiting",
  running: "Running",
  done: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};

export const StateDot = ({ of }: { of: Job }) => (
  <span class={`dot ${stateOf(of)}`} title={WORDS[stateOf(of)]}>
    <span class="unseen">{WORDS[stateOf(of)]}: </span>
  </span>
);

/** How far a job is, in words and as a bar. */
export function ProgressCell({ of }: { of: Job }) {
  const { pages_done, pages_failed, pages_total } = of.progress;
  if (of.status === "pending") {
    return <span class="progress">{of.queue_position ? `Waiting, place ${of.queue_position}` : "Waiting"}</span>;
  }
  if (of.status === "completed") {
    return (
      <span class="progress">
        {count(pages_total, "page")}
        {took(of)}
      </span>
    );
  }
  if (of.status === "failed") return <span class="progress">{WORDS[stateOf(of)]}</span>;
  const done = pages_done + pages_failed;
  return (
    <span class="progress">
      <progress max={pages_total || 1} value={pages_total ? done : undefined} aria-label="Pages done" />
      <span>{pages_total ? `${done} of ${count(pages_total, "page")}` : "Opening"}</span>
    </span>
  );
}

/** How long a job was at work. */
function took({ started_at, completed_at }: Job): string {
  if (started_at === null || completed_at === null) return "";
  const seconds = Math.max(0.1, completed_at - started_at);
  return ` in ${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}

/** What to know about a job before it is opened. */
function Remarks({ of }: { of: Job }) {
  const { pages_failed, words_lost } = of.progress;
  return (
    <span class="remarks">
      {of.status === "failed" && of.reason !== "cancelled" && <span class="remark bad">{of.error}</span>}
      {pages_failed > 0 && <span class="remark bad">{count(pages_failed, "page")} lost</span>}
      {(of.worst_grade === "poor" || of.worst_grade === "fair") && (
        <span class="remark warn">{of.worst_grade} confidence</span>
      )}
      {words_lost > 0 && <span class="remark warn">{count(words_lost, "word")} lost</span>}
    </span>
  );
}

/** What can be done with a job. */
export function Actions({ of }: { of: Job }) {
  const name = of.filenames[0] ?? of.job_id;
  const repeat = () => askAgain({ job: of.job_id, file: null, name });
  return (
    <span class="row-actions">
      {ended(of) && <IconButton icon="repeat" label={`Parse ${name} again`} onClick={repeat} />}
      {ended(of) ? (
        <IconButton icon="trash" label={`Delete ${name}`} onClick={() => void remove(of, name)} />
      ) : (
        <IconButton icon="stop" label={`Cancel ${name}`} onClick={() => void cancel(of, name)} />
      )}
    </span>
  );
}

async function cancel(of: Job, name: string): Promise<void> {
  try {
    learn(await cancelJob(of.job_id));
    spoken.value = `${name} is being cancelled`;
  } catch (error) {
    complain(error);
  }
}

async function remove(of: Job, name: string): Promise<void> {
  if (!confirm(`Delete ${name} and its results from the server?`)) return;
  try {
    await deleteJob(of.job_id);
    forget(of.job_id);
    if (place.value?.job === of.job_id) go(null);
    spoken.value = `${name} is deleted`;
  } catch (error) {
    complain(error);
  }
}

const exactly = (seconds: number): string => new Date(seconds * 1000).toLocaleString();

const STEPS: [number, string][] = [
  [60, "s"],
  [60, "min"],
  [24, "h"],
  [Infinity, "d"],
];

/** How long ago, in one unit. */
export function age(since: number, current: number): string {
  let number = Math.max(0, current - since);
  if (number < 5) return "now";
  for (const [size, unit] of STEPS) {
    if (number < size) return `${Math.floor(number)} ${unit}`;
    number /= size;
  }
  return "";
}
