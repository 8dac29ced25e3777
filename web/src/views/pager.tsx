// The pages of the document as a strip of numbers. It tells where a page has a problem.

import { useEffect, useRef } from "preact/hooks";
import type { Grade } from "../api/shapes";
import { currentPage, opened, pageNumbers } from "../state/document";
import { turn } from "../state/keys";
import { turnTo } from "../state/marks";
import { IconButton } from "./parts";

export function Pager() {
  const pages = pageNumbers.value;
  const here = currentPage.value;
  const strip = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const current = strip.current?.querySelector<HTMLElement>("[aria-current]");
    const box = strip.current;
    if (current && box) box.scrollLeft = current.offsetLeft - box.offsetLeft - box.clientWidth / 2;
  }, [here, pages.length]);
  return (
    <nav class="pager" aria-label="Pages">
      <IconButton icon="left" label="Previous page (k)" disabled={here === pages[0]} onClick={() => turn(-1)} />
      <div class="strip" ref={strip}>
        {pages.map((page) => (
          <PageButton key={page} page={page} isHere={page === here} />
        ))}
      </div>
      <IconButton icon="right" label="Next page (j)" disabled={here === pages.at(-1)} onClick={() => turn(1)} />
    </nav>
  );
}

function PageButton({ page, isHere }: { page: number; isHere: boolean }) {
  const remark = remarkOn(page);
  const grade = gradeOf(page);
  const words = [remark.text, grade && `confidence: ${grade}`].filter(Boolean).join(", ");
  return (
    <button
      type="button"
      class={`page-number ${remark.kind} ${grade ? `grade-${grade}` : ""}`}
      aria-current={isHere ? "page" : undefined}
      aria-label={words ? `Page ${page}: ${words}` : `Page ${page}`}
      title={words || undefined}
      onClick={() => turnTo(page)}
    >
      {page}
    </button>
  );
}

interface Remark {
  kind: "" | "lost" | "warned" | "coming";
  text: string;
}

function gradeOf(page: number): Grade | null {
  const grade = opened.value.entry?.confidence?.pages[page]?.low_grade ?? "unspecified";
  return grade === "unspecified" ? null : grade;
}

function remarkOn(page: number): Remark {
  const { entry, partial } = opened.value;
  const lost = entry?.pages_failed.find((failure) => failure.page_number === page);
  if (lost) return { kind: "lost", text: lost.reason };
  const warning = entry?.warnings.find((each) => each.page_number === page);
  if (warning) return { kind: "warned", text: warning.message };
  const isThere = !partial || partial.nodes.some((node) => node.metadata.page_number === page);
  return isThere ? { kind: "", text: "" } : { kind: "coming", text: "not parsed yet" };
}
