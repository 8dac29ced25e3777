// Line icons of 16 by 16. Beside words, or in a button with a label: never alone for a meaning.

const PATHS = {
  back: "M10 3 5 8l5 5",
  check: "M3 8.5 6.5 12 13 4.5",
  close: "M4 4l8 8M12 4l-8 8",
  copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z",
  download: "M8 2.5v8M4.5 7.5 8 11l3.5-3.5M3 13.5h10",
  file: "M4 1.5h5.5L13 5v9.5H4zM9 1.5V5.5h4",
  folder: "M1.5 3.5h5l1.5 2h6.5v8h-13z",
  help: "M6 6a2 2 0 1 1 2.6 1.9c-.4.2-.6.5-.6 1V9.600M8 11.8v.2M8 1.5a6.500 6.500 0 1 1 0 13 6.500 6.500 0 0 1 0-13z",
  key: "M10.500 2.500a3 3 0 1 1-2.800 4.100L2.500 11.800v1.700h2v-1.500h1.500v-1.500h1.200l1.500-1.500",
  left: "M10 3 5 8l5 5",
  link: "M6.500 9.500l3-3M7 4.500l1.500-1.500a2.500 2.500 0 0 1 3.500 3.500L10.500 8M9 11.500 7.500 13A2.500 2.500 0 0 1 4 9.500L5.500 8",
  minus: "M3.500 8h9",
  order: "M3 4h1v-.5M3 8h1.500M3 12h1.500M7 4h6.500M7 8h6.500M7 12h6.500",
  plus: "M8 3.500v9M3.500 8h9",
  repeat: "M13 8a5 5 0 1 1-1.500-3.600L13 6M13 2.500V6H9.500",
  right: "M6 3l5 5-5 5",
  search: "M7 2.500a4.500 4.500 0 1 1 0 9 4.500 4.500 0 0 1 0-9zM10.300 10.300 13.500 13.500",
  stop: "M4 4h8v8H4z",
  trash: "M2.500 4.500h11M6 4.500v-2h4v2M4 4.500l.7 9h6.600l.7-9M6.700 7v4M9.300 7v4",
  upload: "M8 11V3M4.500 6.500 8 3l3.500 3.500M3 13.500h10",
  warning: "M8 2 14.500 13.500h-13zM8 6.500v3M8 11.500v.2",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
