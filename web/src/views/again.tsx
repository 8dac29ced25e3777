// The question for the options with which files are parsed again.

import { useState } from "preact/hooks";
import { type Again, again, againOptions, parseAgain } from "../state/again";
import { Icon } from "./icons";
import { Defaults, OptionFields } from "./options";
import { Dialog } from "./parts";

export function AgainDialog({ of }: { of: Again }) {
  const [error, setError] = useState<(Error & { requestId?: string | null }) | null>(null);
  const send = async (event: Event) => {
    event.preventDefault();
    try {
      await parseAgain(of);
    } catch (refusal) {
      setError(refusal as Error);
    }
  };
  return (
    <Dialog title="Parse again" wide onClose={() => (again.value = null)}>
      <form onSubmit={(event) => void send(event)}>
        <p class="hint">
          <bdi>{of.name}</bdi> is read again from the server's own copy, as a new job.
        </p>
        {error && (
          <p class="error" role="alert">
            <Icon name="warning" />
            <span>
              {error.message}
              {error.requestId && <small> Request {error.requestId}</small>}
            </span>
          </p>
        )}
        <OptionFields of={againOptions} />
        <div class="actions">
          <Defaults of={againOptions} />
          <span class="space" />
          <button type="submit" class="button primary">
            <Icon name="repeat" /> Parse again
          </button>
        </div>
      </form>
    </Dialog>
  );
}
