// docling's JSON as a tree. Branches are drawn when they are opened.

import { useState } from "preact/hooks";
import { opened } from "../state/document";

/** Entries of one branch that are drawn at first. */
const AT_ONCE = 100;
const LONGEST = 300;

export function JsonTab() {
  return (
    <div class="tree">
      <Branch name="document" value={opened.value.json} isOpen />
    </div>
  );
}

function Branch({ name, value, isOpen = false }: { name: string; value: unknown; isOpen?: boolean }) {
  const [open, setOpen] = useState(isOpen);
  const [shown, setShown] = useState(AT_ONCE);
  if (value === null || typeof value !== "object") return <Leaf name={name} value={value} />;
  const entries = Object.entries(value);
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <span class="key">{name}</span>
        <span class="hint">{Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`}</span>
      </summary>
      {open && entries.slice(0, shown).map(([key, each]) => <Branch key={key} name={key} value={each} />)}
      {open && entries.length > shown && (
        <button type="button" class="link" onClick={() => setShown(shown + 10 * AT_ONCE)}>
          {entries.length - shown} more
        </button>
      )}
    </details>
  );
}

function Leaf({ name, value }: { name: string; value: unknown }) {
  const text = JSON.stringify(value) ?? "";
  return (
    <div class="leaf">
      <span class="key">{name}</span>
      <span class={typeof value}>{text.length > LONGEST ? `${text.slice(0, LONGEST)}… (${text.length})` : text}</span>
    </div>
  );
}
