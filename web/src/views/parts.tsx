// Small parts that several views use.

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { spoken } from "../state/session";
import { Icon, type IconName } from "./icons";

interface ButtonProps {
  icon: IconName;
  label: string;
  onClick: () => void;
  pressed?: boolean;
  disabled?: boolean;
}

/** A button that shows an icon alone. */
export function IconButton({ icon, label, onClick, pressed, disabled = false }: ButtonProps) {
  return (
    <button
      type="button"
      class="icon-button"
      title={label}
      aria-label={label}
      aria-pressed={pressed}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}

/** Copy a text, and say so. */
export async function copy(text: string): Promise<void> {
  if (navigator.clipboard) await navigator.clipboard.writeText(text);
  else copyTheOldWay(text);
  spoken.value = "Copied";
  toast.value = "Copied";
}

/** Browsers give the clipboard to pages over HTTPS alone. */
function copyTheOldWay(text: string): void {
  const box = document.createElement("textarea");
  box.value = text;
  document.body.append(box);
  box.select();
  document.execCommand("copy");
  box.remove();
}

export const toast = signal("");
const TOAST_MS = 1800;

/** What was just done, for a moment. */
export function Toast() {
  const text = toast.value;
  useEffect(() => {
    if (!text) return;
    const timer = setTimeout(() => {
      toast.value = "";
    }, TOAST_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return text ? (
    <div class="toast" aria-hidden="true">
      <Icon name="check" /> {text}
    </div>
  ) : null;
}

/** A button that opens a small panel under it. Escape and a click elsewhere close it. */
export function Menu({ label, icon, children }: { label: string; icon?: IconName; children: ComponentChildren }) {
  const box = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const close = (event: Event) => {
      const details = box.current;
      if (!details?.open || (event instanceof KeyboardEvent && event.key !== "Escape")) return;
      if (event instanceof MouseEvent && details.contains(event.target as globalThis.Node)) return;
      details.open = false;
      if (event instanceof KeyboardEvent) details.querySelector("summary")?.focus();
    };
    document.addEventListener("click", close);
    document.addEventListener("keydown", close);
    return () => {
      document.removeEventListener("click", close);
      document.removeEventListener("keydown", close);
    };
  }, []);
  return (
    <details class="menu" ref={box}>
      <summary class="button">
        {icon && <Icon name={icon} />} {label}
      </summary>
      <div class="menu-panel">{children}</div>
    </details>
  );
}

interface DialogProps {
  title: string;
  wide?: boolean;
  onClose: () => void;
  children: ComponentChildren;
}

/** A dialog that is open while it is rendered. */
export function Dialog({ title, wide = false, onClose, children }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    box.current?.showModal();
  }, []);
  return (
    <dialog ref={box} class={wide ? "dialog wide" : "dialog"} aria-labelledby="dialog-title" onClose={onClose}>
      <header>
        <h2 id="dialog-title">{title}</h2>
        <IconButton icon="close" label="Close" onClick={() => box.current?.close()} />
      </header>
      {children}
    </dialog>
  );
}

interface SegmentsProps<T> {
  label: string;
  options: readonly (readonly [T, string])[];
  value: T;
  choose: (value: T) => void;
  class?: string;
}

/** Buttons of which one is pressed. */
export function Segments<T>({ label, options, value, choose, class: name = "" }: SegmentsProps<T>) {
  return (
    <div class={`segments ${name}`} role="group" aria-label={label}>
      {options.map(([each, text]) => (
        <button type="button" key={text} aria-pressed={each === value} onClick={() => choose(each)}>
          {text}
        </button>
      ))}
    </div>
  );
}

export const count = (number: number, one: string, many = `${one}s`): string =>
  `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
