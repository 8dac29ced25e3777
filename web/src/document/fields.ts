// The fields of the form for parse options, drawn from what the server says it takes.

import type { Offer, Schema } from "../api/shapes";

export interface Field {
  name: string;
  label: string;
  kind: "switch" | "choice" | "choices" | "words" | "range" | "number" | "text" | "secret";
  /** Of a choice, and suggestions for words. */
  values: string[];
  /** What the server takes where nothing is said. */
  usual: string;
}

/** Names for people; an option that is not here has its own name. */
const LABELS: Record<string, string> = {
  profile: "Models",
  do_ocr: "Read text in pictures",
  force_ocr: "Read all text by OCR",
  do_table_structure: "Find tables",
  include_images: "Keep pictures",
  page_chunks: "One node per page",
  page_range: "Pages",
  ocr_lang: "Languages of pictures",
  cache: "Use an earlier result",
};

/** In the order of the server, without options that have options of their own. */
export function fieldsOf(offer: Offer): Field[] {
  const properties = Object.entries(offer.options_schema.properties ?? {});
  const simple = properties.filter(([, schema]) => withoutNull(schema).$ref === undefined);
  return simple.map(([name, schema]) => ({
    name,
    label: LABELS[name] ?? name.replaceAll("_", " "),
    ...typed(name, withoutNull(schema), offer),
    usual: written(offer.defaults[name]),
  }));
}

const withoutNull = (schema: Schema): Schema => schema.anyOf?.find((each) => each.type !== "null") ?? schema;

function typed(name: string, schema: Schema, offer: Offer): Pick<Field, "kind" | "values"> {
  const values = name === "profile" ? offer.profiles : (schema.enum ?? []);
  if (values.length) return { kind: "choice", values };
  if (schema.type === "boolean") return { kind: "switch", values: [] };
  if (schema.type === "number" || schema.type === "integer") return { kind: "number", values: [] };
  if (schema.format === "password") return { kind: "secret", values: [] };
  if (schema.type !== "array") return { kind: "text", values: [] };
  if (schema.prefixItems) return { kind: "range", values: [] };
  const items = schema.items?.enum ?? [];
  return items.length ? { kind: "choices", values: items } : { kind: "words", values: suggested(name, offer) };
}

const suggested = (name: string, offer: Offer): string[] => (name === "ocr_lang" ? offer.ocr_languages : []);

function written(value: unknown): string {
  if (value === true) return "on";
  if (value === false) return "off";
  if (Array.isArray(value)) return value.join(", ");
  return value == null ? "" : String(value);
}

/** What is typed into a field, as the API takes it; undefined where nothing is said. */
export function meant(field: Field, text: string): unknown {
  const typedIn = text.trim();
  if (!typedIn) return undefined;
  if (field.kind === "switch") return typedIn === "on";
  if (field.kind === "number") return Number(typedIn);
  if (field.kind === "words") return typedIn.split(/[\s,]+/).filter(Boolean);
  if (field.kind !== "range") return typedIn;
  const [first, last = first] = typedIn.split(/\s*[-–]\s*/).map(Number);
  return [first, last];
}
