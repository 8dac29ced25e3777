// How large the picture of the page is: 1 is the width of its pane.

import { signal } from "@preact/signals";

const STEPS = [0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 4];

export const zoom = signal(1);

export function zoomBy(steps: number): void {
  const at = STEPS.indexOf(zoom.value) + steps;
  zoom.value = STEPS[Math.min(Math.max(at, 0), STEPS.length - 1)] ?? 1;
}

export function zoomReset(): void {
  zoom.value = 1;
}
