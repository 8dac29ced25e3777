// Requests to the API: the key, the errors, and the one place that knows where the server is.

import { apiKey, connection, keyIsRefused } from "../state/session";
import type { Problem } from "./shapes";

/** The root of the API. The page is served from `ui/` below it, perhaps behind a proxy with a prefix. */
export const ROOT = new URL("../../", import.meta.url);

/** An answer that is no success, in the words of the server. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly requestId: string | null,
  ) {
    super(detail);
  }
}

/** The server did not answer at all. */
export class Unreachable extends Error {
  constructor() {
    super("The server does not answer. The page goes on by itself as soon as it does.");
  }
}

/** A word for `Idempotency-Key`. Browsers give `crypto.randomUUID` to pages over HTTPS alone. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export type Query = Record<string, string | number | boolean | null | undefined>;

export function address(path: string, query: Query = {}): URL {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

export function headers(extra: Record<string, string> = {}): Record<string, string> {
  return apiKey.value ? { ...extra, Authorization: `Bearer ${apiKey.value}` } : extra;
}

/** Throws ApiError, Unreachable, or the AbortError of `signal`. */
export async function send(path: string, options: RequestInit & { query?: Query } = {}): Promise<Response> {
  const { query, ...init } = options;
  let response: Response;
  try {
    response = await fetch(address(path, query), {
      ...init,
      headers: headers({ Accept: "application/json", ...(init.headers as Record<string, string>) }),
    });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    connection.value = "lost";
    throw new Unreachable();
  }
  if (!response.ok) throw refusal(response.status, await response.text(), response.headers.get("X-Request-ID"));
  return response;
}

export async function json<T>(path: string, options: RequestInit & { query?: Query } = {}): Promise<T> {
  return (await send(path, options)).json() as Promise<T>;
}

/** The error that a failed answer stands for. A refused key opens the question for another one. */
export function refusal(status: number, body: string, requestId: string | null): ApiError {
  const problem = parsed(body);
  const code = problem.code ?? "unknown";
  if (status === 401) keyIsRefused.value = problem.detail ?? "This server asks for an API key.";
  const detail = problem.detail ?? `The server answered ${status}.`;
  return new ApiError(status, code, detail, problem.request_id ?? requestId);
}

function parsed(body: string): Partial<Problem> {
  try {
    return JSON.parse(body) as Partial<Problem>;
  } catch {
    return {};
  }
}
