// Files on their way to the server, with what of them is sent. They become jobs.

import { signal } from "@preact/signals";
import { address, headers, newKey, refusal, Unreachable } from "../api/http";
import type { Submitted } from "../api/shapes";
import type { Options } from "./options";
import { complain } from "./session";

export interface Upload {
  id: number;
  names: string[];
  sent: number;
  size: number;
  stop: () => void;
}

export const uploads = signal<Upload[]>([]);

let last = 0;

/** Submit files as one job. Answers with its id, or null when that failed or was stopped. */
export async function submit(files: File[], options: Options): Promise<string | null> {
  const form = new FormData();
  for (const file of files) form.append("files", file, file.name);
  if (Object.keys(options).length) form.append("options", JSON.stringify(options));
  last += 1;
  const id = last;
  const request = new XMLHttpRequest(); // fetch does not tell how much is sent
  const upload: Upload = {
    id,
    names: files.map((file) => file.name),
    sent: 0,
    size: files.reduce((sum, file) => sum + file.size, 0),
    stop: () => request.abort(),
  };
  uploads.value = [upload, ...uploads.value];
  request.upload.onprogress = (event) => {
    uploads.value = uploads.value.map((each) => (each.id === id ? { ...each, sent: event.loaded } : each));
  };
  try {
    return (await post(request, form)).job_id;
  } catch (error) {
    complain(error);
    return null;
  } finally {
    uploads.value = uploads.value.filter((each) => each.id !== id);
  }
}

function post(request: XMLHttpRequest, form: FormData): Promise<Submitted> {
  return new Promise((resolve, reject) => {
    request.open("POST", address("submit"));
    for (const [name, value] of Object.entries(headers({ "Idempotency-Key": newKey() }))) {
      request.setRequestHeader(name, value);
    }
    request.onload = () => {
      if (request.status < 300) resolve(JSON.parse(request.responseText) as Submitted);
      else reject(refusal(request.status, request.responseText, request.getResponseHeader("X-Request-ID")));
    };
    request.onerror = () => reject(new Unreachable());
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    request.send(form);
  });
}
