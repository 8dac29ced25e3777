// Server-sent events over fetch, because a browser's EventSource cannot send an API key.

import { address, headers, refusal } from "./http";

export interface ServerEvent {
  name: string;
  data: string;
}

/** Without a byte for so long, the connection is dead: the server sends a comment every 15 s. */
const SILENCE_MS = 40_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8_000;

export interface Follower {
  onEvent: (event: ServerEvent) => void;
  onState: (live: boolean) => void;
}

/** Follow a stream until `signal` is aborted. It is opened again when it breaks, and goes on where it was. */
export async function follow(path: string, follower: Follower, signal: AbortSignal): Promise<void> {
  let lastId = "";
  let pause = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    const silence = new Silence(signal);
    try {
      const body = await open(path, lastId, silence.signal);
      follower.onState(true);
      for await (const event of read(body, silence)) {
        lastId = event.id || lastId;
        pause = FIRST_PAUSE_MS;
        follower.onEvent(event);
      }
    } catch (error) {
      if ((error as { status?: number }).status === 401) return;
    }
    silence.stop();
    if (signal.aborted) return;
    follower.onState(false);
    await new Promise((wake) => setTimeout(wake, pause));
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
  }
}

async function open(path: string, lastId: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const resume = lastId ? { "Last-Event-ID": lastId } : undefined;
  const response = await fetch(address(path), { headers: headers(resume), signal });
  if (!response.ok || !response.body) throw refusal(response.status, await response.text(), null);
  return response.body;
}

/** Ends the connection when nothing has arrived for a while. */
class Silence {
  readonly #controller = new AbortController();
  #timer = 0;

  constructor(outer: AbortSignal) {
    outer.addEventListener("abort", () => this.#controller.abort(), { once: true, signal: this.#controller.signal });
    this.heard();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  heard(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(), SILENCE_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#controller.abort();
  }
}

async function* read(body: ReadableStream<Uint8Array>, silence: Silence): AsyncGenerator<ServerEvent & { id: string }> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    silence.heard();
    const blocks = (text + value).split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = parse(block);
      if (event.data) yield event;
    }
  }
}

function parse(block: string): ServerEvent & { id: string } {
  const event = { name: "message", data: "", id: "" };
  for (const line of block.split("\n")) {
    const [, field, value = ""] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (field === "event") event.name = value;
    if (field === "id") event.id = value;
    if (field === "data") event.data += event.data ? `\n${value}` : value;
  }
  return event;
}
