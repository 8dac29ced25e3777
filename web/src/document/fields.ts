// The fields of the form for parse options, drawn from what the server says it takes.

import type { Offer, Schema } from "../api/shapes";

export interface Field {
  name: string;
  label: string;
  kind: "switch" | "choice" | "choices" | "words" | "range" | "number" | "text" | "secret" | "object";
  /** Of a choice, and suggestions for words. */
  values: string[];
  /** What the server takes where nothing is said. */
  usual: string;
  /** Of an object. */
  fields: Field[];
}

/** Names for people; an option that is not here has its own name. */
const LABELS: Record<string, string> = {
  profile: "Models",
  do_ocr: "Read text in pictures",
  force_ocr: "Read all text by OCR",
  do_table_structure: "Find tables",
  include_images: "Keep pictures",
  page_chunks: "One node per page",
  content: "Content",
  encoding: "Encoding of text files",
  attachments: "Attachments of mails",
  page_range: "Pages",
  password: "Password of PDFs",
  ocr_lang: "Languages of pictures",
  cache: "Use an earlier result",
  images_scale: "Pixels per point of pictures",
  heading_hierarchy: "Find levels of headings",
  table_mode: "Table model",
  picture_description: "Describe pictures with",
  picture_area: "Smallest share of the page",
  do_picture_classification: "Tell the class of pictures",
  picture_allow: "Describe only these classes",
  picture_deny: "Describe all but these classes",
  picture_min_confidence: "Least confidence of a class",
  do_code_enrichment: "Read code from its picture",
  do_formula_enrichment: "Read formulas as LaTeX",
  chunks: "Make chunks at once",
  chunker: "Cut by",
  max_tokens: "Most tokens",
  merge_peers: "Join small neighbours",
  tables: "Tables as",
};

/** Options whose models not every server has. */
const ENRICHMENTS = ["do_picture_classification", "do_code_enrichment", "do_formula_enrichment"];

/** Lists that are typed in: ticks for so many values would fill the form. */
const MOST_TICKS = 8;

/** In the order of the server, without what it would refuse. */
export const fieldsOf = (offer: Offer): Field[] =>
  fieldsIn(offer.options_schema, offer, offer.defaults).filter((field) => isPossible(field.name, offer));

/** Whether the server has the models for an option. */
function isPossible(name: string, offer: Offer): boolean {
  const classes = offer.enrichments.includes("do_picture_classification");
  if (["picture_allow", "picture_deny", "picture_min_confidence"].includes(name)) {
    return classes && describers(offer).length > 0;
  }
  if (name.startsWith("picture_")) return describers(offer).length > 0;
  return !ENRICHMENTS.includes(name) || offer.enrichments.includes(name);
}

/** The model endpoints for pictures. */
const describers = (offer: Offer): string[] =>
  Object.keys(offer.model_endpoints).filter((name) => offer.model_endpoints[name]?.includes("picture"));

function fieldsIn(schema: Schema, offer: Offer, defaults: Record<string, unknown>): Field[] {
  return Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const meaning = resolved(withoutNull(property), offer);
    return {
      name,
      label: LABELS[name] ?? name.replaceAll("_", " "),
      usual: written(defaults[name] ?? property.default),
      ...typed(name, meaning, offer),
      fields: meaning.properties ? fieldsIn(meaning, offer, defaultsOf(name, offer)) : [],
    };
  });
}

const withoutNull = (schema: Schema): Schema => schema.anyOf?.find((each) => each.type !== "null") ?? schema;

/** A schema itself, or the definition that it refers to. */
const resolved = (schema: Schema, offer: Offer): Schema =>
  offer.options_schema.$defs?.[schema.$ref?.split("/").at(-1) ?? ""] ?? schema;

const defaultsOf = (name: string, offer: Offer): Record<string, unknown> =>
  (name === "chunks" ? offer.chunk_defaults : (offer.defaults[name] as Record<string, unknown>)) ?? {};

function typed(name: string, schema: Schema, offer: Offer): Pick<Field, "kind" | "values"> {
  if (schema.properties) return { kind: "object", values: [] };
  const values = offered(name, offer) ?? schema.enum ?? [];
  if (values.length) return { kind: "choice", values };
  if (schema.type === "boolean") return { kind: "switch", values: [] };
  if (schema.type === "number" || schema.type === "integer") return { kind: "number", values: [] };
  if (schema.format === "password") return { kind: "secret", values: [] };
  if (schema.type !== "array") return { kind: "text", values: [] };
  if (schema.prefixItems) return { kind: "range", values: [] };
  const items = schema.items?.enum ?? [];
  if (items.length > MOST_TICKS) return { kind: "words", values: items };
  return items.length ? { kind: "choices", values: items } : { kind: "words", values: suggested(name, offer) };
}

/** What this server has of what the schema allows. */
function offered(name: string, offer: Offer): string[] | undefined {
  if (name === "profile") return offer.profiles;
  if (name === "picture_description") return describers(offer);
  return name === "tokenizer" ? Object.keys(offer.tokenizers) : undefined;
}

const suggested = (name: string, offer: Offer): string[] => (name === "ocr_lang" ? offer.ocr_languages : []);

function written(value: unknown): string {
  if (value === true) return "on";
  if (value === false) return "off";
  if (Array.isArray(value)) return value.join(", ");
  return value == null || typeof value === "object" ? "" : String(value);
}

/** What is typed into a field, as the API takes it; undefined where nothing is said. */
export function meant(field: Field, text: string): unknown {
  const typedIn = text.trim();
  if (!typedIn) return undefined;
  if (field.kind === "switch") return typedIn === "on";
  if (field.kind === "number") return number(typedIn);
  if (field.kind === "words") return typedIn.split(/[\s,]+/).filter(Boolean);
  if (field.kind !== "range") return typedIn;
  const [first, last = first] = typedIn.split(/\s*[-–]\s*/).map(number);
  return [first, last];
}

/** What is no number goes to the server as it is, which says what is wrong with it. */
function number(text: string): number | string {
  const value = Number(text);
  return Number.isFinite(value) && text !== "" ? value : text;
}

/** An object with another value of one entry; undefined leaves the entry out. */
export function changed(values: Record<string, unknown>, name: string, value: unknown): Record<string, unknown> {
  const { [name]: _, ...others } = values;
  return value === undefined ? others : { ...others, [name]: value };
}
