// The parse options that this tab sends with each job. What is not set is the server's default.

import { signal } from "@preact/signals";
import type { Options } from "./uploads";

export const options = signal<Options>({});

export function setOption(name: string, value: unknown): void {
  const { [name]: _, ...others } = options.value;
  options.value = value === undefined ? others : { ...others, [name]: value };
}
