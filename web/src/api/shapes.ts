// The JSON bodies of the API, as far as the page reads them. Times are Unix seconds, page numbers start at 1.

export type JobStatus = "pending" | "processing" | "completed" | "failed";

/** How sure the models were. */
export type Grade = "poor" | "fair" | "good" | "excellent" | "unspecified";

export interface Confidence {
  parse_score: number | null;
  layout_score: number | null;
  table_score: number | null;
  ocr_score: number | null;
  mean_score: number | null;
  low_grade: Grade;
}

export interface Progress {
  pages_total: number;
  pages_done: number;
  pages_failed: number;
  files_total: number;
  files_done: number;
  words_lost: number;
}

export interface Job {
  job_id: string;
  status: JobStatus;
  submitted_at: number;
  started_at: number | null;
  completed_at: number | null;
  error: string | null;
  reason: string | null;
  progress: Progress;
  queue_position: number | null;
  attempts: number;
  metadata: Record<string, unknown>;
  filenames: string[];
  worst_grade?: Grade | null;
}

export interface JobList {
  jobs: Job[];
  next_cursor: string | null;
}

export interface Submitted {
  job_id: string;
  message: string;
}

export interface Node {
  text: string;
  metadata: { page_number?: number; total_pages?: number; [key: string]: unknown };
}

export interface PageFailure {
  page_number: number;
  reason: string;
}

export interface FileWarning {
  code: string;
  message: string;
  page_number: number | null;
}

export interface ParserInfo {
  profile: string;
  docling: string;
  models: Record<string, string>;
  words_read?: number | null;
  words_kept?: number | null;
  encoding?: string | null;
}

/** The result of one file. */
export interface FileEntry {
  filename: string;
  success: boolean;
  nodes: Node[];
  error: string | null;
  error_code: string | null;
  processing_time_ms: number;
  pages_failed: PageFailure[];
  warnings: FileWarning[];
  parser: ParserInfo | null;
  confidence?: (Confidence & { pages: Record<string, Confidence> }) | null;
  cached: boolean;
}

export interface PartialFile {
  filename: string;
  finished: boolean;
  pages_done: number;
  pages_total: number;
  success: boolean | null;
  nodes: Node[];
  error: string | null;
}

export interface PartialResults {
  partial: { progress: Progress; files: PartialFile[] } | null;
}

export type Chunker = "hybrid" | "hierarchical" | "page";

export interface Chunk {
  id: string;
  index: number;
  text: string;
  num_tokens: number;
  headings: string[];
  page_numbers: number[];
  items: { ref: string }[];
}

export interface Chunks {
  tokenizer: string;
  max_tokens: number | null;
  chunks: Chunk[];
}

export interface ServiceInfo {
  version: string;
  supported_formats: string[];
}

/** A part of JSON Schema. */
export interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  default?: unknown;
  type?: string;
  format?: string;
  enum?: string[];
  anyOf?: Schema[];
  items?: Schema;
  prefixItems?: Schema[];
  properties?: Record<string, Schema>;
}

/** What the server takes. */
export interface Offer {
  profiles: string[];
  ocr_languages: string[];
  /** Names, with the length of their models. */
  tokenizers: Record<string, number>;
  defaults: Record<string, unknown>;
  chunk_defaults?: Record<string, unknown>;
  options_schema: Schema;
  /** What each remote model is for, by its name. */
  model_endpoints: Record<string, string[]>;
  /** The options about single items whose models are there. */
  enrichments: string[];
}

export interface Problem {
  title: string;
  status: number;
  detail: string;
  code: string;
  request_id: string | null;
}

export const ended = (job: Job): boolean => job.status === "completed" || job.status === "failed";
