// The keys of the keyboard, and where to read on.

import { signal } from "@preact/signals";
import { Dialog } from "./parts";

export const helpIsOpen = signal(false);

const KEYS: [string, string][] = [
  ["j", "next page"],
  ["k", "previous page"],
  ["/", "search"],
  ["+ and −", "zoom in and out"],
  ["0", "fit the page"],
  ["o", "show the reading order"],
  ["↑ and ↓", "walk through the text of a page"],
  ["Esc", "unmark, or close"],
  ["?", "this help"],
];

export function Help() {
  return (
    <Dialog title="Keyboard" onClose={() => (helpIsOpen.value = false)}>
      <dl class="keys">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="hint">
        Point at a piece of text to see where it stands on the page, and at a box to see its text. A click keeps it, and
        puts it into the address: send that as a link.
      </p>
    </Dialog>
  );
}
