// The parse options, folded away. They go along with each file that is sent.

import { type Field, fieldsOf, meant } from "../document/fields";
import { LANGUAGES, type Language, submitRequest } from "../document/requests";
import { offer, options, setOption } from "../state/options";
import { Icon } from "./icons";
import { copy } from "./parts";

export function OptionsForm() {
  if (!offer.value) return null;
  const number = Object.keys(options.value).length;
  return (
    <details class="options">
      <summary>Options{number > 0 && <span class="number">{number}</span>}</summary>
      <div class="fields">
        {fieldsOf(offer.value).map((field) => (
          <OneField key={field.name} field={field} />
        ))}
      </div>
      <div class="options-foot">
        {number > 0 && (
          <button type="button" class="link" onClick={() => (options.value = {})}>
            Use the server's defaults
          </button>
        )}
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

/** The password stays out of it. */
function copyRequest(language: Language): Promise<void> {
  const { password: _, ...shown } = options.value;
  return copy(submitRequest(language, [], shown));
}

function OneField({ field }: { field: Field }) {
  if (field.kind === "choices") return <Choices field={field} />;
  const id = `option-${field.name}`;
  return (
    <div class="field">
      <label for={id}>{field.label}</label>
      {field.kind === "switch" || field.kind === "choice" ? (
        <Choice field={field} id={id} />
      ) : (
        <Typed field={field} id={id} />
      )}
    </div>
  );
}

const usual = (field: Field): string => (field.usual ? `Default: ${field.usual}` : "Default");

function Choice({ field, id }: { field: Field; id: string }) {
  const values = field.kind === "switch" ? ["on", "off"] : field.values;
  const now = options.value[field.name];
  const shown = now === true ? "on" : now === false ? "off" : ((now as string | undefined) ?? "");
  const choose = (event: { currentTarget: HTMLSelectElement }) =>
    setOption(field.name, meant(field, event.currentTarget.value));
  return (
    <select id={id} value={shown} onChange={choose}>
      <option value="">{usual(field)}</option>
      {values.map((value) => (
        <option key={value} value={value}>
          {value}
        </option>
      ))}
    </select>
  );
}

const PLACEHOLDERS: Partial<Record<Field["kind"], string>> = { range: "3-7", words: "en, de" };

function Typed({ field, id }: { field: Field; id: string }) {
  const now = options.value[field.name];
  const shown = Array.isArray(now) ? now.join(field.kind === "range" ? "-" : ", ") : String(now ?? "");
  return (
    <input
      id={id}
      type={(field.kind === "secret" ? "password" : "text") as "text"}
      inputMode={field.kind === "number" ? "decimal" : undefined}
      autocomplete="off"
      placeholder={field.usual || PLACEHOLDERS[field.kind]}
      title={field.values.length ? `One or more of: ${field.values.join(", ")}` : undefined}
      value={shown}
      onChange={(event) => setOption(field.name, meant(field, event.currentTarget.value))}
    />
  );
}

/** Several of a few. */
function Choices({ field }: { field: Field }) {
  const now = (options.value[field.name] as string[] | undefined) ?? field.usual.split(", ");
  const toggle = (value: string) =>
    setOption(
      field.name,
      field.values.filter((each) => now.includes(each) !== (each === value)),
    );
  return (
    <fieldset class="field">
      <legend>{field.label}</legend>
      <div class="ticks">
        {field.values.map((value) => (
          <label key={value}>
            <input type="checkbox" checked={now.includes(value)} onChange={() => toggle(value)} /> {value}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
