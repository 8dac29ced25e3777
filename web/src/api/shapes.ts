// The JSON bodies of the API, as far as the page reads them. Times are Unix seconds, page numbers start at 1.

export type JobStatus = "pending" | "processing" | "completed" | "failed";

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

export interface ServiceInfo {
  version: string;
  supported_formats: string[];
}

export interface Problem {
  title: string;
  status: number;
  detail: string;
  code: string;
  request_id: string | null;
}

export const ended = (job: Job): boolean => job.status === "completed" || job.status === "failed";
