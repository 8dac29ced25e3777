// The parse options. Those on the first view are folded away, and go along with each file that is sent.

import type { Signal } from "@preact/signals";
import { useId } from "preact/hooks";
import { changed, type Field, fieldsOf, meant } from "../document/fields";
import { LANGUAGES, type Language, submitRequest } from "../document/requests";
import { type Options, offer, options } from "../state/options";
import { Icon } from "./icons";
import { copy } from "./parts";

export function OptionsForm() {
  if (!offer.value) return null;
  const number = Object.keys(options.value).length;
  return (
    <details class="options">
      <summary>Options{number > 0 && <span class="number">{number}</span>}</summary>
      <OptionFields of={options} />
      <div class="options-foot">
        <Defaults of={options} />
        <span class="space" />
        <span class="hint">Copy as</span>
        {LANGUAGES.map((language) => (
          <button type="button" key={language} class="button small" onClick={() => void copyRequest(language)}>
            <Icon name="copy" /> {language}
          </button>
        ))}
      </div>
    </details>
  );
}

export function Defaults({ of }: { of: Signal<Options> }) {
  if (!Object.keys(of.value).length) return null;
  return (
    <button type="button" class="link" onClick={() => (of.value = {})}>
      Use the server's defaults
    </button>
  );
}

/** A field for each option that the server takes. */
export function OptionFields({ of }: { of: Signal<Options> }) {
  if (!offer.value) return null;
  return (
    <div class="fields">
      <Fields of={fieldsOf(offer.value)} values={of.value} change={(values) => (of.value = values)} />
    </div>
  );
}

/** The password stays out of it. */
function copyRequest(language: Language): Promise<void> {
  const { password: _, ...shown } = options.value;
  return copy(submitRequest(language, [], shown));
}

interface FieldsProps {
  of: Field[];
  values: Options;
  change: (values: Options) => void;
}

function Fields({ of, values, change }: FieldsProps) {
  return (
    <>
      {of.map((field) => {
        const Kind = KINDS[field.kind] ?? Typed;
        const set = (value: unknown) => change(changed(values, field.name, value));
        return <Kind key={field.name} field={field} value={values[field.name]} set={set} />;
      })}
    </>
  );
}

interface FieldProps {
  field: Field;
  value: unknown;
  set: (value: unknown) => void;
}

const usual = (field: Field): string => (field.usual ? `Default: ${field.usual}` : "Default");

function Choice({ field, value, set }: FieldProps) {
  const id = useId();
  const values = field.kind === "switch" ? ["on", "off"] : field.values;
  const shown = value === true ? "on" : value === false ? "off" : ((value as string | undefined) ?? "");
  return (
    <div class="field">
      <label for={id}>{field.label}</label>
      <select id={id} value={shown} onChange={(event) => set(meant(field, event.currentTarget.value))}>
        <option value="">{usual(field)}</option>
        {values.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    </div>
  );
}

const EXAMPLES: Record<string, string> = {
  page_range: "3-7",
  ocr_lang: "en, de",
  encoding: "shift_jis",
  images_scale: "2",
  picture_area: "0.05",
  picture_allow: "bar_chart, table",
  picture_deny: "logo, icon",
  picture_min_confidence: "0.5",
};

function Typed({ field, value, set }: FieldProps) {
  const id = useId();
  const shown = Array.isArray(value) ? value.join(field.kind === "range" ? "-" : ", ") : String(value ?? "");
  return (
    <div class="field">
      <label for={id}>{field.label}</label>
      <input
        id={id}
        type={(field.kind === "secret" ? "password" : "text") as "text"}
        inputMode={field.kind === "number" ? "decimal" : undefined}
        autocomplete="off"
        placeholder={field.usual || EXAMPLES[field.name]}
        title={field.values.length ? `One or more of: ${field.values.join(", ")}` : undefined}
        value={shown}
        onChange={(event) => set(meant(field, event.currentTarget.value))}
      />
    </div>
  );
}

/** Several of a few. */
function Choices({ field, value, set }: FieldProps) {
  const now = (value as string[] | undefined) ?? field.usual.split(", ");
  const toggle = (one: string) => set(field.values.filter((each) => now.includes(each) !== (each === one)));
  return (
    <fieldset class="field">
      <legend>{field.label}</legend>
      <div class="ticks">
        {field.values.map((each) => (
          <label key={each}>
            <input type="checkbox" checked={now.includes(each)} onChange={() => toggle(each)} /> {each}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** An option that has options of its own, once it is switched on. */
function Group({ field, value, set }: FieldProps) {
  const values = value as Options | undefined;
  return (
    <fieldset class="field group">
      <legend>
        <label>
          <input type="checkbox" checked={values !== undefined} onChange={() => set(values ? undefined : {})} />{" "}
          {field.label}
        </label>
      </legend>
      {values && (
        <div class="fields">
          <Fields of={field.fields} values={values} change={set} />
        </div>
      )}
    </fieldset>
  );
}

const KINDS: Partial<Record<Field["kind"], (props: FieldProps) => preact.JSX.Element>> = {
  switch: Choice,
  choice: Choice,
  choices: Choices,
  object: Group,
};
