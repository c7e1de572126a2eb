import { createEffect } from 'solid-js';
import type { Session } from '../sync/create-session.ts';
import type { Bubble } from './arrange.ts';
import { whoIs } from './directory.ts';
import { useOffice } from './office-context.tsx';

/** Finished answers up to this long are read out whole; longer ones by their beginning. */
const ANNOUNCED_CHARS = 600;

/** Says once that an agent begins, and once what it said: streaming itself stays silent. */
export function createAnnouncements(
  session: Session,
  open: () => readonly Bubble[],
  say: (text: string) => void,
): void {
  const { office } = useOffice();
  const begun = new Set<string>();
  createEffect(() => {
    for (const bubble of open()) {
      if (begun.has(bubble.turn) || bubble.step === 'note') continue;
      begun.add(bubble.turn);
      say(`${whoIs(bubble.agent, office.state.members).name} is answering`);
    }
    for (const item of session.timeline().items) {
      if (item.kind !== 'reply' || !begun.delete(item.reply.id)) continue;
      const words = item.reply.body.slice(0, ANNOUNCED_CHARS);
      say(
        `${whoIs(item.author, office.state.members).name}: ${words === '' ? (item.reply.error?.message ?? 'no words') : words}`,
      );
    }
  });
}
