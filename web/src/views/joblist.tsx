// The jobs of the caller, newest first.

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { JobStatus } from "../api/shapes";
import { hasMore, isLoaded, job, listed, more, show, shownStatus } from "../state/jobs";
import { JobRow } from "./jobrow";
import { Segments } from "./parts";

const STATES: [JobStatus | null, string][] = [
  [null, "All"],
  ["pending", "Waiting"],
  ["processing", "Running"],
  ["completed", "Done"],
  ["failed", "Failed"],
];

const wantedName = signal("");

/** The ids in the list whose files have the wanted name. */
function matching(): string[] {
  const wanted = wantedName.value.trim().toLowerCase();
  if (!wanted) return listed.value;
  return listed.value.filter((id) => job(id).value?.filenames.some((name) => name.toLowerCase().includes(wanted)));
}

export function JobList() {
  const ids = matching();
  return (
    <section class="jobs" aria-labelledby="jobs-title">
      <div class="jobs-bar">
        <h2 id="jobs-title">Jobs</h2>
        <Segments label="Show jobs" options={STATES} value={shownStatus.value} choose={(status) => void show(status)} />
        <input
          type="search"
          class="filter"
          placeholder="Filter by name"
          aria-label="Filter the listed jobs by file name"
          value={wantedName.value}
          onInput={(event) => (wantedName.value = event.currentTarget.value)}
        />
      </div>
      <ul class="rows" aria-label="Jobs, newest first">
        {ids.map((id) => (
          <JobRow key={id} id={id} />
        ))}
      </ul>
      {isLoaded.value && !ids.length && <Nothing />}
      {hasMore.value && <More />}
    </section>
  );
}

function Nothing() {
  const isFiltered = wantedName.value.trim() || shownStatus.value;
  return (
    <p class="nothing">{isFiltered ? "No job matches." : "No jobs yet. They appear here, also after a reload."}</p>
  );
}

/** Reads the next page of the list when it comes into view. */
function More() {
  const button = useRef<HTMLButtonElement>(null);
  const last = listed.value.length;
  useEffect(() => {
    const seen = new IntersectionObserver(([entry]) => entry?.isIntersecting && void more(), { rootMargin: "400px" });
    if (button.current) seen.observe(button.current);
    return () => seen.disconnect();
  }, [last]);
  return (
    <button type="button" class="button more" ref={button} onClick={() => void more()}>
      Show older jobs
    </button>
  );
}
