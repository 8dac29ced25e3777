// Take the results along: as a file, or as the request that gets them.

import { signal } from "@preact/signals";
import { address, send } from "../api/http";
import { LANGUAGES, type Language, resultRequest } from "../document/requests";
import { opened } from "../state/document";
import type { Place } from "../state/route";
import { apiKey, complain } from "../state/session";
import { copy, Menu, Segments } from "./parts";

const FORMATS: [string, string, string][] = [
  ["markdown", "Markdown", "md"],
  ["html", "HTML", "html"],
  ["text", "Text", "txt"],
  ["json", "JSON of docling", "json"],
  ["nodes", "Nodes", "nodes.json"],
  ["doctags", "DocTags", "doctags"],
  ["doclang", "DocLang", "dclg"],
  ["latex", "LaTeX", "tex"],
  ["chunks", "Chunks", "chunks.json"],
  ["chunks.jsonl", "Chunks, one on a line", "chunks.jsonl"],
  ["confidence", "Confidence", "confidence.json"],
];

export function DownloadMenu({ place }: { place: Place }) {
  const name = opened.value.entry?.filename ?? place.job;
  return (
    <Menu label="Download" icon="download">
      <ul>
        {FORMATS.map(([format, label, suffix]) => (
          <li key={format}>
            <button
              type="button"
              onClick={() => void download({ file: place.file, format }, place.job, `${name}.${suffix}`)}
            >
              {label}
            </button>
          </li>
        ))}
        <li class="apart">
          <button type="button" onClick={() => void download({ format: "zip" }, place.job, `${place.job}.zip`)}>
            Everything (zip)
          </button>
        </li>
      </ul>
    </Menu>
  );
}

/** With a key the file has to be fetched: a link cannot send one. */
async function download(query: Record<string, string | number>, job: string, name: string): Promise<void> {
  try {
    if (!apiKey.value) return save(address(`jobs/${job}/results`, query).href, name);
    const body = await (await send(`jobs/${job}/results`, { query })).blob();
    const url = URL.createObjectURL(body);
    save(url, name);
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (error) {
    complain(error);
  }
}

function save(url: string, name: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}

const language = signal<Language>("curl");
const format = signal("markdown");

export function CopyMenu({ place }: { place: Place }) {
  const text = resultRequest(language.value, place.job, place.file, format.value);
  return (
    <Menu label="Request" icon="copy">
      <div class="request">
        <Segments
          label="Language"
          options={LANGUAGES.map((each) => [each, each] as const)}
          value={language.value}
          choose={(each) => (language.value = each)}
        />
        <label>
          Format{" "}
          <select value={format.value} onChange={(event) => (format.value = event.currentTarget.value)}>
            {FORMATS.map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <pre>
          <code>{text}</code>
        </pre>
        <button type="button" class="button primary small" onClick={() => void copy(text)}>
          Copy
        </button>
      </div>
    </Menu>
  );
}
