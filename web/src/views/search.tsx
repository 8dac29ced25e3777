// Search in the open document.

import { computed, signal, useSignalEffect } from "@preact/signals";
import { useState } from "preact/hooks";
import { find, type Hit, passagesOf, patternOf } from "../document/search";
import { currentPage, opened } from "../state/document";
import { choose, turnTo } from "../state/marks";
import { Icon } from "./icons";

const wanted = signal("");

const hits = computed<Hit[]>(() => {
  const { model, entry, partial } = opened.value;
  return find(passagesOf(model, entry?.nodes ?? partial?.nodes ?? []), wanted.value);
});

export function Search() {
  const [at, setAt] = useState(0);
  const [isOpen, setIsOpen] = useState(false);
  useSignalEffect(() => {
    void [currentPage.value, opened.value];
    highlight(wanted.value);
  });
  const visit = (index: number) => {
    const hit = hits.value[index];
    if (!hit) return;
    setAt(index);
    if (hit.item !== null) choose(hit.item);
    else if (hit.page) turnTo(hit.page);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const total = hits.value.length;
    if (event.key === "Enter" && total) visit(isOpen ? at : 0);
    else if (event.key === "ArrowDown" && total) visit((at + 1) % total);
    else if (event.key === "ArrowUp" && total) visit((at - 1 + total) % total);
    else if (event.key === "Escape") setIsOpen(false);
    else return;
    event.preventDefault();
  };
  return (
    <div class="search" role="search">
      <Icon name="search" />
      <input
        id="search"
        type="search"
        placeholder="Search"
        title="Search in the document (/)"
        aria-label="Search in the document"
        value={wanted.value}
        onInput={(event) => {
          wanted.value = event.currentTarget.value;
          setAt(0);
          setIsOpen(true);
        }}
        onFocus={() => setIsOpen(true)}
        onBlur={() => setTimeout(() => setIsOpen(false), 150)}
        onKeyDown={onKeyDown}
      />
      {isOpen && wanted.value.trim() && <Hits at={at} visit={visit} />}
    </div>
  );
}

function Hits({ at, visit }: { at: number; visit: (index: number) => void }) {
  const found = hits.value;
  return (
    <div class="hits">
      <p role="status">{found.length ? `${found.length} found` : "Not found"}</p>
      <ul>
        {found.map((hit, index) => (
          <li key={index}>
            <button type="button" class={index === at ? "here" : ""} tabIndex={-1} onClick={() => visit(index)}>
              {hit.page > 0 && <small>Page {hit.page}</small>}
              <span>
                {hit.before}
                <mark>{hit.match}</mark>
                {hit.after}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Colour the words in the content, without touching its elements. */
function highlight(text: string): void {
  if (!("highlights" in CSS)) return;
  CSS.highlights.delete("found");
  const pattern = patternOf(text);
  const panel = document.getElementById("tab-panel");
  if (!pattern || !panel) return;
  const ranges: Range[] = [];
  const walker = document.createTreeWalker(panel, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const match of node.nodeValue?.matchAll(pattern) ?? []) {
      const range = new Range();
      range.setStart(node, match.index);
      range.setEnd(node, match.index + match[0].length);
      ranges.push(range);
    }
  }
  CSS.highlights.set("found", new Highlight(...ranges));
}
