// The same request for a terminal and for a program. The key is never in it.

import { ROOT } from "../api/http";
import { apiKey } from "../state/session";

export type Language = "curl" | "Python" | "CLI";
export const LANGUAGES: Language[] = ["curl", "Python", "CLI"];

const base = (): string => ROOT.href.replace(/\/$/, "");

/** Submit files with options. */
export function submitRequest(language: Language, names: string[], options: Record<string, unknown>): string {
  const files = names.length ? names : ["report.pdf"];
  const hasOptions = Object.keys(options).length > 0;
  const json = JSON.stringify(options);
  if (language === "curl") {
    const parts = files.map((name) => `-F ${shell(`files=@"${name.replace(/(["\\])/g, "\\$1")}"`)}`);
    if (hasOptions) parts.push(`-F ${shell(`options=${json}`)}`);
    return ["curl", ...keyHeader(), ...parts, shell(`${base()}/submit`)].join(" ");
  }
  if (language === "CLI") {
    const given = hasOptions ? [`--options ${shell(json)}`] : [];
    return ["docfleet parse", `--url ${shell(base())}`, ...given, "--", ...files.map(shell)].join(" ");
  }
  const passed = hasOptions ? [...files.map(python), `options=${python(options)}`] : files.map(python);
  return pythonProgram([`batch = client.submit_and_wait(${passed.join(", ")})`]);
}

/** Fetch the results of a file. */
export function resultRequest(language: Language, job: string, file: number, format: string): string {
  const url = `${base()}/jobs/${job}/results?${new URLSearchParams({ file: String(file), format })}`;
  if (language === "curl") return ["curl", ...keyHeader(), shell(url)].join(" ");
  if (language === "CLI") return `docfleet results --url ${shell(base())} --format ${format} --file ${file} ${job}`;
  return pythonProgram([`client.download_results(${python(job)}, "results", ${python(format)}, file=${file})`]);
}

const keyHeader = (): string[] => (apiKey.value ? ['-H "Authorization: Bearer $DOCFLEET_API_KEY"'] : []);

function pythonProgram(lines: string[]): string {
  const start = ["from client import DoclingParserClient", ""];
  return [
    ...start,
    `with DoclingParserClient(${python(base())}) as client:`,
    ...lines.map((line) => `    ${line}`),
  ].join("\n");
}

/** A word that no shell changes. */
export function shell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A value as Python writes it. */
export function python(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object") {
    return `{${Object.entries(value)
      .map(([name, each]) => `${python(name)}: ${python(each)}`)
      .join(", ")}}`;
  }
  return JSON.stringify(value);
}
