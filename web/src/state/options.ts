// The parse options that this tab sends with each job. What is not set is the server's default.

import { signal } from "@preact/signals";
import type { Offer } from "../api/shapes";

export type Options = Record<string, unknown>;

/** What the server takes; null while that is not known. */
export const offer = signal<Offer | null>(null);

export const options = signal<Options>({});
