// The job whose files are to be parsed again, while the user chooses the options.

import { signal } from "@preact/signals";
import { submitSources } from "../api/calls";
import { type Options, options } from "./options";
import { link, place } from "./route";
import { spoken } from "./session";

export interface Again {
  job: string;
  /** Only this file; null: all files of the job. */
  file: number | null;
  name: string;
}

/** null: nothing is asked. */
export const again = signal<Again | null>(null);
/** They begin as those of the first view, and change nothing there. */
export const againOptions = signal<Options>({});

export function askAgain(wanted: Again): void {
  againOptions.value = options.value;
  again.value = wanted;
}

/** Submit what was asked for, and open it if the job of before is open. Raises the errors of the request. */
export async function parseAgain({ job, file, name }: Again): Promise<void> {
  const source = file === null ? { job_id: job } : { job_id: job, file };
  const { job_id } = await submitSources([source], againOptions.value);
  again.value = null;
  spoken.value = `${name} is parsed again`;
  if (place.value?.job === job) location.hash = link({ job: job_id });
}
