// The frame of the page: the header, what is open, and what the user has to be told.

import { signal, useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { address } from "../api/http";
import { again } from "../state/again";
import { isDragging } from "../state/drops";
import { place } from "../state/route";
import { connection, dismiss, keyIsRefused, notices, spoken } from "../state/session";
import { AgainDialog } from "./again";
import { DocumentView } from "./document";
import { Help, helpIsOpen } from "./help";
import { Home } from "./home";
import { Icon } from "./icons";
import { KeyDialog } from "./key";
import { IconButton, Toast } from "./parts";

export const keyIsWanted = signal(false);

export function App() {
  const here = place.value;
  useSignalEffect(() => {
    if (!place.value) document.title = "docfleet";
  });
  useEffect(() => {
    scrollTo(0, 0);
  }, [here?.job]);
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <Header />
      <Notices />
      <main id="main" tabIndex={-1} class={here ? "document" : "home"}>
        {here ? <DocumentView place={here} /> : <Home />}
      </main>
      {(keyIsWanted.value || keyIsRefused.value) && <KeyDialog onClose={() => (keyIsWanted.value = false)} />}
      {helpIsOpen.value && <Help />}
      {again.value && <AgainDialog of={again.value} />}
      {here && isDragging.value && (
        <div class="drop-over">
          <p>Drop to parse</p>
        </div>
      )}
      <Toast />
      <div class="unseen" role="status" aria-live="polite">
        {spoken.value}
      </div>
    </>
  );
}

function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Header() {
  return (
    <header class="top">
      <a class="wordmark" href="#/">
        <svg viewBox="0 0 20 20" aria-hidden="true" focusable="false">
          <path d="M3 3h9l5 5v9H3z" />
          <path d="M6 8h4M6 11h8M6 14h8" />
        </svg>
        docfleet
      </a>
      <Connection />
      <nav aria-label="Page">
        <a class="quiet" href={address("docs").href}>
          API
        </a>
        <IconButton icon="key" label="API key" onClick={() => (keyIsWanted.value = true)} />
        <IconButton icon="help" label="Keyboard and help" onClick={() => (helpIsOpen.value = true)} />
      </nav>
    </header>
  );
}

function Connection() {
  if (connection.value !== "lost" || keyIsRefused.value) return null;
  return (
    <p class="lost" role="status">
      <Icon name="warning" /> The connection is lost. Trying again …
    </p>
  );
}

function Notices() {
  return (
    <div class="notices" role="alert">
      {notices.value.map((notice) => (
        <div class="notice" key={notice.id}>
          <Icon name="warning" />
          <p>
            {notice.text}
            {notice.requestId && <small>Request {notice.requestId}</small>}
          </p>
          <IconButton icon="close" label="Dismiss" onClick={() => dismiss(notice.id)} />
        </div>
      ))}
    </div>
  );
}
