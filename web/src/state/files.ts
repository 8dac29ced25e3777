// What was dropped, pasted or chosen: files, and folders with files in them.

/** The files in a drop or a paste, those in folders included. */
export async function filesIn(data: DataTransfer): Promise<File[]> {
  const entries = [...data.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry());
  const plain = [...data.files];
  const found = await Promise.all(entries.map((entry, index) => filesBelow(entry, plain[index])));
  return found.flat();
}

async function filesBelow(entry: FileSystemEntry | null, plain: File | undefined): Promise<File[]> {
  if (entry?.isDirectory) {
    const children = await childrenOf((entry as FileSystemDirectoryEntry).createReader());
    return (await Promise.all(children.map((child) => filesBelow(child, undefined)))).flat();
  }
  if (plain) return [plain];
  return entry ? [await fileOf(entry as FileSystemFileEntry)] : [];
}

const fileOf = (entry: FileSystemFileEntry): Promise<File> =>
  new Promise((resolve, reject) => entry.file(resolve, reject));

async function childrenOf(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  const children: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return children; // it tells 100 at a time
    children.push(...some);
  }
}

export interface Sorted {
  accepted: File[];
  refused: { name: string; why: string }[];
}

/** Leave out what the server would refuse: then the rest can still go. */
export function sorted(files: File[], suffixes: string[]): Sorted {
  const result: Sorted = { accepted: [], refused: [] };
  for (const file of files) {
    const why = reasonToRefuse(file, suffixes);
    if (why) result.refused.push({ name: file.name, why });
    else result.accepted.push(file);
  }
  return result;
}

function reasonToRefuse(file: File, suffixes: string[]): string | null {
  const name = file.name.toLowerCase();
  if (suffixes.length && !suffixes.some((suffix) => name.endsWith(suffix))) return "this server does not read its kind";
  return null;
}
