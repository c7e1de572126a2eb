const EVERY_MS = 5;

/** Resolves once the condition holds, looked at every few ms; rejects with what was waited for after the bound. */
export async function eventually(what: string, condition: () => boolean, withinMs = 8_000): Promise<void> {
  const endAt = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > endAt) throw new Error(`did not happen within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}
