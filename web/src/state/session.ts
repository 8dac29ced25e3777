// What this tab knows: the API key, whether the server answers, and what the user has to be told.

import { signal } from "@preact/signals";

const KEY = "docfleet.key";

/** The API key, kept until the tab is closed. Empty on a server without keys. */
export const apiKey = signal(sessionStorage.getItem(KEY) ?? "");

/** Why the server refused the key; empty when it did not. */
export const keyIsRefused = signal("");

export type Connection = "connecting" | "live" | "lost";
export const connection = signal<Connection>("connecting");

export function useKey(key: string): void {
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
  apiKey.value = key;
  keyIsRefused.value = "";
}

export interface Notice {
  id: number;
  text: string;
  requestId: string | null;
}

export const notices = signal<Notice[]>([]);
/** What a screen reader says next. */
export const spoken = signal("");

let lastNotice = 0;

/** Show an error until it is dismissed. */
export function complain(error: unknown): void {
  if (error instanceof DOMException && error.name === "AbortError") return;
  const { message, requestId = null, status } = error as Error & { requestId?: string | null; status?: number };
  if (status === 401) return; // the question for a key says it
  if (notices.value.some((notice) => notice.text === message)) return;
  lastNotice += 1;
  notices.value = [...notices.value, { id: lastNotice, text: message, requestId }];
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}
