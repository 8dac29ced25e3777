// What may be missing or wrong, and what parsed the file.

import type { Confidence, FileEntry, ParserInfo } from "../api/shapes";
import { turnTo } from "../state/marks";
import { Icon } from "./icons";
import { count } from "./parts";

export const remarksOf = (entry: FileEntry): number =>
  entry.warnings.length + entry.pages_failed.length + (entry.success ? 0 : 1);

export function ReportTab({ entry }: { entry: FileEntry }) {
  return (
    <div class="report">
      {!entry.success && (
        <p class="error">
          <Icon name="warning" /> {entry.error}
        </p>
      )}
      {entry.pages_failed.length > 0 && <h2>Lost pages</h2>}
      <ul>
        {entry.pages_failed.map(({ page_number, reason }) => (
          <Remark key={page_number} page={page_number} text={reason} kind="bad" />
        ))}
      </ul>
      {entry.warnings.length > 0 && <h2>Warnings</h2>}
      <ul>
        {entry.warnings.map((warning, index) => (
          <Remark
            key={`${warning.code} ${index}`}
            page={warning.page_number}
            text={warning.message}
            code={warning.code}
            kind="warn"
          />
        ))}
      </ul>
      {remarksOf(entry) === 0 && (
        <p class="fine">
          <Icon name="check" /> Nothing is missing that the server knows of.
        </p>
      )}
      {entry.confidence && entry.confidence.low_grade !== "unspecified" && <Scores of={entry.confidence} />}
      <h2>How it was parsed</h2>
      <Facts entry={entry} />
    </div>
  );
}

const SCORES = [
  ["parse_score", "Text layer"],
  ["layout_score", "Layout"],
  ["table_score", "Tables"],
  ["ocr_score", "OCR"],
  ["mean_score", "Mean"],
] as const;

/** How sure the models were of each page, from 0 to 1. */
function Scores({ of }: { of: NonNullable<FileEntry["confidence"]> }) {
  const rows: [string, Confidence][] = [...Object.entries(of.pages), ["All", of]];
  return (
    <>
      <h2>Confidence</h2>
      <div class="grid">
        <table>
          <thead>
            <tr>
              <th scope="col">Page</th>
              {SCORES.map(([name, label]) => (
                <th key={name} scope="col">
                  {label}
                </th>
              ))}
              <th scope="col">Lowest</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([page, scores]) => (
              <tr key={page}>
                <th scope="row">{page}</th>
                {SCORES.map(([name]) => (
                  <td key={name}>{scores[name]?.toFixed(2) ?? "–"}</td>
                ))}
                <td class={`grade-${scores.low_grade}`}>{scores.low_grade}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

interface RemarkProps {
  page: number | null;
  text: string;
  code?: string;
  kind: "bad" | "warn";
}

function Remark({ page, text, code, kind }: RemarkProps) {
  return (
    <li class={kind}>
      {page !== null && (
        <button type="button" class="link" onClick={() => turnTo(page)}>
          Page {page}
        </button>
      )}
      <span>{text}</span>
      {code && <code>{code}</code>}
    </li>
  );
}

function Facts({ entry }: { entry: FileEntry }) {
  const facts: [string, string][] = [
    ["Time", `${(entry.processing_time_ms / 1000).toFixed(1)} s`],
    ...(entry.parser ? parserFacts(entry.parser) : []),
    ...(entry.cached ? [["Cached", "from an earlier job with the same file"] as [string, string]] : []),
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function parserFacts(parser: ParserInfo): [string, string][] {
  const facts: [string, string][] = [
    ["Profile", parser.profile],
    ["docling", parser.docling],
    ...Object.entries(parser.models).map(([task, model]): [string, string] => [`Model: ${task}`, model]),
  ];
  if (parser.words_read != null) {
    facts.push(["Words", `${count(parser.words_kept ?? 0, "word")} of ${parser.words_read.toLocaleString("en")} kept`]);
  }
  if (parser.encoding) facts.push(["Encoding", parser.encoding]);
  return facts;
}
