import { createEffect, createSignal, onCleanup } from 'solid-js';

/** Whether somebody can see this page. */
export function createVisibility(): () => boolean {
  const [isVisible, setVisible] = createSignal(!document.hidden);
  const onChange = () => setVisible(!document.hidden);
  document.addEventListener('visibilitychange', onChange);
  onCleanup(() => document.removeEventListener('visibilitychange', onChange));
  return isVisible;
}

/** The office's time, moving once a second while something counts. */
export function createClock(isCounting: () => boolean, officeNow: () => number): () => number {
  const [now, setNow] = createSignal(officeNow());
  createEffect(() => {
    if (!isCounting()) return;
    setNow(officeNow());
    const timer = setInterval(() => setNow(officeNow()), 1000);
    onCleanup(() => clearInterval(timer));
  });
  return now;
}
