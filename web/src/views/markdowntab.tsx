// The Markdown of the page in view, as it looks or as it is written.

import { signal } from "@preact/signals";
import { exported } from "../api/calls";
import type { Node } from "../api/shapes";
import { currentPage, opened } from "../state/document";
import type { Place } from "../state/route";
import { complain } from "../state/session";
import { Icon } from "./icons";
import { Markdown } from "./markdown";
import { copy, Segments } from "./parts";

const isText = signal(false);

const FORMS = [
  [false, "Rendered"],
  [true, "Text"],
] as const;

/** The nodes of a page; all of them for a format without pages. */
function nodesOn(nodes: Node[], page: number): Node[] {
  return nodes.filter((node) => !page || (node.metadata.page_number ?? page) === page);
}

/** The pages of a running job, as they come. */
export function RunningTab() {
  const here = nodesOn(opened.value.partial?.nodes ?? [], currentPage.value);
  if (!here.length) return <p class="nothing">This page is on its way.</p>;
  return <Rendered nodes={here} />;
}

export function MarkdownTab({ place }: { place: Place }) {
  const here = nodesOn(opened.value.entry?.nodes ?? [], currentPage.value);
  const text = here.map((node) => node.text).join("\n\n");
  return (
    <>
      <div class="tab-tools">
        <Segments
          label="Show Markdown"
          options={FORMS}
          value={isText.value}
          choose={(wanted) => (isText.value = wanted)}
        />
        <span class="space" />
        {currentPage.value > 0 && (
          <button type="button" class="button small" onClick={() => void copy(text)}>
            <Icon name="copy" /> Page
          </button>
        )}
        <button type="button" class="button small" onClick={() => void copyWhole(place)}>
          <Icon name="copy" /> Document
        </button>
      </div>
      {!here.length && <p class="nothing">There is no text on this page.</p>}
      {isText.value ? <pre class="source">{text}</pre> : <Rendered nodes={here} />}
    </>
  );
}

function Rendered({ nodes }: { nodes: Node[] }) {
  return (
    <div class="reading rendered">
      {nodes.map((node, index) => (
        <Markdown key={`${currentPage.value} ${index}`} text={node.text} />
      ))}
    </div>
  );
}

async function copyWhole(place: Place): Promise<void> {
  try {
    await copy(await exported(place.job, place.file, "markdown"));
  } catch (error) {
    complain(error);
  }
}
