// The document in pieces for an embedding model. Each piece knows its boxes.

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { chunksOf } from "../api/calls";
import type { Chunk, Chunker, Chunks } from "../api/shapes";
import type { Model } from "../document/model";
import { currentPage } from "../state/document";
import type { Place } from "../state/route";
import { complain } from "../state/session";
import { following, useMarks } from "./marking";
import { count, Segments } from "./parts";

const CHUNKERS = [
  ["hybrid", "Hybrid"],
  ["hierarchical", "Hierarchical"],
  ["page", "Page"],
] as const;
/** The length of the default model. */
const TOKENS = 256;
const FEWEST = 16;

const chunker = signal<Chunker>("hybrid");
const tokens = signal(TOKENS);

export function ChunksTab({ place, model }: { place: Place; model: Model }) {
  const [made, setMade] = useState<Chunks | null>(null);
  const [kind, limit] = [chunker.value, tokens.value];
  useEffect(() => {
    const stop = new AbortController();
    setMade(null);
    chunksOf(place.job, place.file, kind, limit, stop.signal).then(setMade, complain);
    return () => stop.abort();
  }, [place.job, place.file, kind, limit]);
  return (
    <>
      <Controls />
      {made ? <ChunkList made={made} model={model} /> : <p class="nothing">Loading …</p>}
    </>
  );
}

function Controls() {
  return (
    <div class="tab-tools">
      <Segments label="Chunker" options={CHUNKERS} value={chunker.value} choose={(kind) => (chunker.value = kind)} />
      <label>
        At most{" "}
        <input
          type="number"
          class="tokens"
          min={FEWEST}
          max={100_000}
          value={tokens.value}
          onChange={(event) => (tokens.value = Math.max(FEWEST, Number(event.currentTarget.value) || TOKENS))}
        />{" "}
        tokens
      </label>
    </div>
  );
}

function ChunkList({ made, model }: { made: Chunks; model: Model }) {
  const box = useRef<HTMLDivElement>(null);
  useMarks(box);
  const page = currentPage.value;
  const here = made.chunks.filter((chunk) => !page || !chunk.page_numbers.length || chunk.page_numbers.includes(page));
  const total = count(made.chunks.length, "chunk");
  const indexes = new Map(model.items.map((item) => [item.ref, item.index]));
  return (
    <div class="chunks" ref={box} {...following} data-items>
      <p class="hint">
        {page ? `${here.length} of ${total} on this page` : total}, counted by {made.tokenizer}
      </p>
      {here.map((chunk, at) => (
        <OneChunk key={chunk.id} chunk={chunk} most={made.max_tokens ?? 0} indexes={indexes} isFirst={at === 0} />
      ))}
    </div>
  );
}

interface ChunkProps {
  chunk: Chunk;
  most: number;
  indexes: Map<string, number>;
  isFirst: boolean;
}

function OneChunk({ chunk, most, indexes, isFirst }: ChunkProps) {
  const items = chunk.items.flatMap((item) => indexes.get(item.ref) ?? []);
  return (
    <div class="item chunk" data-item={items.join(" ") || undefined} tabIndex={isFirst ? 0 : -1}>
      <div class="chunk-head">
        <b>{chunk.index + 1}</b>
        <span>{chunk.headings.join(" › ")}</span>
        {most > 0 && <meter min={0} max={most} value={chunk.num_tokens} aria-label="Tokens of the most allowed" />}
        <small>{count(chunk.num_tokens, "token")}</small>
      </div>
      <p dir="auto">{chunk.text}</p>
    </div>
  );
}
