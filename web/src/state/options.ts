// The parse options that this tab sends with each job. What is not set is the server's default.

import { signal } from "@preact/signals";
import type { Offer } from "../api/shapes";
import type { Options } from "./uploads";

/** What the server takes; null while that is not known. */
export const offer = signal<Offer | null>(null);

export const options = signal<Options>({});

export function setOption(name: string, value: unknown): void {
  const { [name]: _, ...others } = options.value;
  options.value = value === undefined ? others : { ...others, [name]: value };
}
