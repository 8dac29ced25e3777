// A table as CSV, for spreadsheets.

import type { Grid } from "./model";

/** Spanned places are empty, so every column keeps its place. */
export function csvOf(grid: Grid): string {
  return expanded(grid)
    .map((row) => row.map(quoted).join(","))
    .join("\r\n");
}

/** The text of each place of the grid. */
export function expanded(grid: Grid): string[][] {
  const rows: (string | undefined)[][] = grid.map(() => []);
  grid.forEach((cells, at) => {
    let column = 0;
    for (const cell of cells) {
      while (rows[at]?.[column] !== undefined) column += 1;
      for (let down = 0; down < cell.rows; down += 1) {
        for (let right = 0; right < cell.columns; right += 1) {
          const row = rows[at + down];
          if (row) row[column + right] = down || right ? "" : cell.text;
        }
      }
    }
  });
  const width = Math.max(0, ...rows.map((row) => row.length));
  return rows.map((row) => Array.from({ length: width }, (_, column) => row[column] ?? ""));
}

/** A spreadsheet runs a cell that begins like a formula; an apostrophe makes it text. */
function quoted(text: string): string {
  const isFormula = /^[=@\t\r]/.test(text) || /^[+-](?!\s?[\d.,])./.test(text);
  const inert = isFormula ? `'${text}` : text;
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}
