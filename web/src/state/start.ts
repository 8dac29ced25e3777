// What the page begins with, and begins again when the key changes.

import { signal } from "@preact/signals";
import { serverOffer, serviceInfo } from "../api/calls";
import type { ServiceInfo } from "../api/shapes";
import { clearJobs, followJobs } from "./jobs";
import { offer } from "./options";
import { complain } from "./session";

export const service = signal<ServiceInfo | null>(null);

let running = new AbortController();

export function start(): void {
  running.abort();
  running = new AbortController();
  clearJobs();
  void followJobs(running.signal);
  serviceInfo().then((info) => {
    service.value = info;
  }, complain);
  serverOffer().then(
    (told) => {
      offer.value = told;
    },
    () => {}, // a server that does not tell takes its defaults; the page goes on without the form
  );
}
