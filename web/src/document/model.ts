// A document as the page shows it, read from docling's JSON: pages, and items in reading order with their boxes.

export interface Box {
  page: number;
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Cell {
  text: string;
  rows: number;
  columns: number;
  isHeader: boolean;
}

/** A row has its own cells only: one that spans several rows stands in the first. */
export type Grid = Cell[][];

export interface Item {
  /** The place in reading order, from 0. It is part of links. */
  index: number;
  /** docling's name for it. */
  ref: string;
  label: string;
  text: string;
  /** Of a heading: 1 for the title. */
  level: number;
  /** Of a list item: how deep it stands in lists. */
  depth: number;
  marker: string;
  boxes: Box[];
  href: string | null;
  grid: Grid | null;
  image: string | null;
}

export interface PageSize {
  number: number;
  width: number;
  height: number;
}

export interface Model {
  items: Item[];
  pages: PageSize[];
  /** Whether the file is of a kind whose pages the server draws. */
  isDrawn: boolean;
  /** The items of each page, also of those that continue there. Page 0 has what is on no page. */
  byPage: Map<number, Item[]>;
}

interface Ref {
  $ref: string;
}

interface Bounds {
  l: number;
  t: number;
  r: number;
  b: number;
  coord_origin?: string;
}

interface Raw {
  self_ref: string;
  label?: string;
  text?: string;
  orig?: string;
  level?: number;
  marker?: string;
  enumerated?: boolean;
  hyperlink?: string | null;
  children?: Ref[];
  captions?: Ref[];
  prov?: { page_no: number; bbox: Bounds }[];
  data?: { table_cells?: RawCell[]; num_rows?: number };
  image?: { uri?: string } | null;
}

interface RawCell {
  text: string;
  row_span: number;
  col_span: number;
  start_row_offset_idx: number;
  start_col_offset_idx: number;
  column_header?: boolean;
  row_header?: boolean;
}

interface RawDocument {
  body: Raw;
  furniture?: Raw;
  origin?: { mimetype?: string } | null;
  pages?: Record<string, { page_no: number; size: { width: number; height: number } }>;
  [collection: string]: unknown;
}

const LISTS = new Set(["list", "ordered_list"]);
const SAFE_LINK = /^(https?|mailto):/i;
const SAFE_IMAGE = /^data:image\/(png|jpeg|webp|gif);base64,/;

/** The kinds of files with pages to draw, and files of unknown kind: the server says more when it is asked. */
const DRAWN = /^(application\/pdf|image\/.*|)$/;

/** Read docling's JSON. Unknown parts are left out; nothing of it is ever taken for HTML. */
export function modelOf(json: unknown): Model {
  return new Reader(json as RawDocument).model();
}

class Reader {
  readonly #document: RawDocument;
  readonly #items: Item[] = [];
  readonly #seen = new Set<string>();
  readonly #heights = new Map<number, number>();

  constructor(document: RawDocument) {
    this.#document = document;
  }

  model(): Model {
    const pages = Object.values(this.#document.pages ?? {})
      .map((page) => ({ number: page.page_no, ...page.size }))
      .sort((one, other) => one.number - other.number);
    for (const page of pages) this.#heights.set(page.number, page.height);
    this.#walk(this.#document.body?.children, 0);
    this.#walk(this.#document.furniture?.children, 0);
    const kind = this.#document.origin?.mimetype ?? "";
    return { items: this.#items, pages, isDrawn: DRAWN.test(kind), byPage: byPage(this.#items) };
  }

  #walk(refs: Ref[] | undefined, depth: number): void {
    for (const ref of refs ?? []) {
      const raw = this.#find(ref.$ref);
      if (!raw || this.#seen.has(raw.self_ref)) continue;
      this.#seen.add(raw.self_ref);
      this.#take(raw, depth);
    }
  }

  #take(raw: Raw, depth: number): void {
    if (raw.self_ref.startsWith("#/groups/")) {
      if (raw.label === "inline") this.#add(this.#joined(raw), depth);
      else this.#walk(raw.children, depth + (LISTS.has(raw.label ?? "") ? 1 : 0));
      return;
    }
    this.#add(raw, depth);
    this.#walk(raw.captions, depth);
    if (raw.self_ref.startsWith("#/texts/")) this.#walk(raw.children, depth);
  }

  /** An inline group as one text: its pieces stand on one line. */
  #joined(group: Raw): Raw {
    const pieces = (group.children ?? []).flatMap((ref) => this.#find(ref.$ref) ?? []);
    for (const piece of pieces) this.#seen.add(piece.self_ref);
    const text = pieces.map((piece) => piece.text ?? "").join(" ");
    return {
      self_ref: group.self_ref,
      label: pieces[0]?.label ?? "text",
      text,
      prov: pieces.flatMap((p) => p.prov ?? []),
    };
  }

  #add(raw: Raw, depth: number): void {
    const label = raw.label ?? "text";
    const isTable = raw.data?.table_cells !== undefined;
    const text = raw.text || raw.orig || "";
    if (!text && !isTable && !raw.prov?.length && !raw.image) return;
    this.#items.push({
      index: this.#items.length,
      ref: raw.self_ref,
      label,
      text,
      level: label === "title" ? 1 : (raw.level ?? 1) + 1,
      depth: Math.max(depth, label === "list_item" ? 1 : 0),
      marker: raw.marker ?? "",
      boxes: (raw.prov ?? []).map((prov) => this.#box(prov.page_no, prov.bbox)),
      href: raw.hyperlink && SAFE_LINK.test(raw.hyperlink) ? raw.hyperlink : null,
      grid: isTable ? gridOf(raw.data?.table_cells ?? [], raw.data?.num_rows ?? 0) : null,
      image: raw.image?.uri && SAFE_IMAGE.test(raw.image.uri) ? raw.image.uri : null,
    });
  }

  /** In points from the top left corner of the page, wherever docling counts from. */
  #box(page: number, bounds: Bounds): Box {
    const height = this.#heights.get(page) ?? 0;
    const fromBottom = bounds.coord_origin !== "TOPLEFT";
    const top = fromBottom ? height - Math.max(bounds.t, bounds.b) : Math.min(bounds.t, bounds.b);
    return {
      page,
      left: Math.min(bounds.l, bounds.r),
      top,
      width: Math.abs(bounds.r - bounds.l),
      height: Math.abs(bounds.b - bounds.t),
    };
  }

  #find(ref: string): Raw | null {
    const [, collection, index] = /^#\/(\w+)\/(\d+)$/.exec(ref) ?? [];
    const list = collection ? this.#document[collection] : undefined;
    return Array.isArray(list) ? ((list[Number(index)] as Raw | undefined) ?? null) : null;
  }
}

function gridOf(cells: RawCell[], rows: number): Grid {
  const grid: Grid = Array.from({ length: rows }, () => []);
  const inOrder = [...cells].sort((one, other) => one.start_col_offset_idx - other.start_col_offset_idx);
  for (const cell of inOrder) {
    grid[cell.start_row_offset_idx]?.push({
      text: cell.text,
      rows: cell.row_span,
      columns: cell.col_span,
      isHeader: Boolean(cell.column_header || cell.row_header),
    });
  }
  return grid;
}

function byPage(items: Item[]): Map<number, Item[]> {
  const pages = new Map<number, Item[]>();
  for (const item of items) {
    const numbers = item.boxes.length ? new Set(item.boxes.map((box) => box.page)) : [0];
    for (const number of numbers) {
      const there = pages.get(number);
      if (there) there.push(item);
      else pages.set(number, [item]);
    }
  }
  return pages;
}
