// The question for an API key. It stays in the tab, and goes out as a header alone.

import { useState } from "preact/hooks";
import { apiKey, keyIsRefused, useKey } from "../state/session";
import { start } from "../state/start";
import { Dialog } from "./parts";

export function KeyDialog({ onClose }: { onClose: () => void }) {
  const [key, setKey] = useState(apiKey.value);
  const save = (event: Event) => {
    event.preventDefault();
    useKey(key.trim());
    onClose();
    start();
  };
  const close = () => {
    keyIsRefused.value = "";
    onClose();
  };
  return (
    <Dialog title="API key" onClose={close}>
      <form onSubmit={save}>
        {keyIsRefused.value && (
          <p class="error" role="alert">
            {keyIsRefused.value}
          </p>
        )}
        <label for="api-key">Key</label>
        <input
          id="api-key"
          type="password"
          autocomplete="off"
          spellcheck={false}
          pattern="[!-~]*"
          title="Letters, digits and signs, without spaces"
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
        />
        <p class="hint">It is kept until you close this tab, and sent to this server alone.</p>
        <div class="actions">
          <button type="submit" class="button primary">
            Use this key
          </button>
        </div>
      </form>
    </Dialog>
  );
}
