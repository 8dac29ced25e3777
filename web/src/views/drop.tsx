// The place to drop files, and what is on its way.

import { useRef, useState } from "preact/hooks";
import { submitSources } from "../api/calls";
import { isDragging, leftOut, take } from "../state/drops";
import { options } from "../state/options";
import { complain } from "../state/session";
import { service } from "../state/start";
import { uploads } from "../state/uploads";
import { Icon } from "./icons";
import { OptionsForm } from "./options";
import { count, IconButton } from "./parts";

export function Drop() {
  return (
    <section class={isDragging.value ? "drop over" : "drop"} aria-label="Parse documents">
      <h1>Drop documents here</h1>
      <p class="hint">Files or whole folders. You can also paste them{formats()}.</p>
      <div class="choices">
        <Chooser label="Choose files" icon="file" />
        <Chooser label="Choose a folder" icon="folder" isFolder />
      </div>
      <UrlForm />
      <OptionsForm />
      <LeftOut />
      <Uploads />
    </section>
  );
}

/** Documents that the server fetches. */
function UrlForm() {
  const [url, setUrl] = useState("");
  const send = async (event: Event) => {
    event.preventDefault();
    try {
      await submitSources([{ url }], options.value);
      setUrl("");
    } catch (error) {
      complain(error);
    }
  };
  return (
    <form class="url-form" onSubmit={(event) => void send(event)}>
      <input
        type="url"
        required
        placeholder="https://… a document on the web"
        aria-label="The address of a document on the web"
        value={url}
        onInput={(event) => setUrl(event.currentTarget.value)}
      />
      <button type="submit" class="button">
        Fetch
      </button>
    </form>
  );
}

const formats = (): string => {
  const number = service.value?.supported_formats.length;
  return number ? `; ${number} kinds of files are read` : "";
};

/** A button that opens the system's dialog. */
function Chooser({ label, icon, isFolder = false }: { label: string; icon: "file" | "folder"; isFolder?: boolean }) {
  const input = useRef<HTMLInputElement>(null);
  const chosen = (event: { currentTarget: HTMLInputElement }) => {
    take([...(event.currentTarget.files ?? [])]);
    event.currentTarget.value = ""; // the same file can be chosen again
  };
  return (
    <>
      <button type="button" class={isFolder ? "button" : "button primary"} onClick={() => input.current?.click()}>
        <Icon name={icon} /> {label}
      </button>
      <input
        ref={input}
        type="file"
        hidden
        multiple
        {...(isFolder ? { webkitdirectory: true } : {})}
        onChange={chosen}
      />
    </>
  );
}

function LeftOut() {
  const files = leftOut.value;
  if (!files.length) return null;
  const shown = files.slice(0, 5);
  return (
    <div class="left-out" role="status">
      <p>
        {count(files.length, "file was", "files were")} not sent:
        <IconButton icon="close" label="Dismiss" onClick={() => (leftOut.value = [])} />
      </p>
      <ul>
        {shown.map(({ name, why }) => (
          <li key={name}>
            <bdi>{name}</bdi>: {why}
          </li>
        ))}
        {files.length > shown.length && <li>and {files.length - shown.length} more</li>}
      </ul>
    </div>
  );
}

function Uploads() {
  return (
    <ul class="uploads">
      {uploads.value.map(({ id, names, sent, size, stop }) => {
        const name = names.length === 1 ? names[0] : `${names[0]} and ${count(names.length - 1, "more file")}`;
        const percent = size ? Math.min(100, Math.round((100 * sent) / size)) : 100;
        return (
          <li key={id}>
            <bdi>{name}</bdi>
            <progress max={100} value={percent} aria-label={`Sending ${name}`} />
            <span>{percent < 100 ? `${percent} %` : "storing"}</span>
            <IconButton icon="close" label={`Stop sending ${name}`} onClick={stop} />
          </li>
        );
      })}
    </ul>
  );
}
