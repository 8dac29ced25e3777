// The document as HTML, in a frame where nothing of it can run, load or reach this page.

import { useEffect, useState } from "preact/hooks";
import { exported } from "../api/calls";
import type { Place } from "../state/route";
import { complain } from "../state/session";

export function HtmlPreview({ place }: { place: Place }) {
  const [page, setPage] = useState("");
  useEffect(() => {
    const stop = new AbortController();
    exported(place.job, place.file, "html", stop.signal).then((html) => setPage(harmless(html)), complain);
    return () => stop.abort();
  }, [place.job, place.file]);
  if (!page) return <p class="nothing">Loading …</p>;
  return <iframe class="preview" title="The document as HTML" sandbox="" srcdoc={page} />;
}

const REFUSED = /^(on|style$|srcdoc$)/i;

/** The frame is a sandbox already. This leaves out what it would refuse, and gives the document the look of the page. */
function harmless(html: string): string {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  for (const each of parsed.querySelectorAll("script, style, link, meta, base, iframe, object, embed, form"))
    each.remove();
  for (const each of parsed.querySelectorAll("*")) {
    for (const { name } of [...each.attributes]) if (REFUSED.test(name)) each.removeAttribute(name);
  }
  const look = parsed.createElement("link");
  look.rel = "stylesheet";
  look.href = document.querySelector<HTMLLinkElement>("#preview-style")?.href ?? "";
  parsed.head.append(look);
  return `<!doctype html>${parsed.documentElement.outerHTML}`;
}
