// Builds the page into serve_app/ui/, or into the folder that is given as the argument.

import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build } from "esbuild";

const here = import.meta.dirname;
const target = process.argv[2] ?? join(here, "..", "serve_app", "ui");
const assets = join(target, "assets");

await rm(target, { recursive: true, force: true });
await mkdir(assets, { recursive: true });

const { metafile } = await build({
  entryPoints: { app: join(here, "src", "main.tsx"), preview: join(here, "src", "styles", "preview.css") },
  absWorkingDir: here,
  outdir: assets,
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  charset: "utf8",
  legalComments: "eof",
  metafile: true,
});

const made = Object.keys(metafile.outputs).map((path) => basename(path));
const named = (name, suffix) => made.find((file) => file.startsWith(`${name}-`) && file.endsWith(suffix));
const page = (await readFile(join(here, "src", "index.html"), "utf8"))
  .replace("app.js", named("app", ".js"))
  .replace("app.css", named("app", ".css"))
  .replace("preview.css", named("preview", ".css"));
await writeFile(join(target, "index.html"), page);

// The licences of what is built in ask to be passed on.
const licences = [];
for (const name of ["preact", "@preact/signals", "@preact/signals-core", "marked"]) {
  const folder = join(here, "node_modules", name);
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  licences.push(`${name}\n\n${await readFile(join(folder, file), "utf8")}`);
}
await writeFile(join(target, "licences.txt"), licences.join("\n\n"));
