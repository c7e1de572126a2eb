import { createMemo, lazy, Suspense } from 'solid-js';
import type { Mention } from '../../sync-server/protocol/entry.ts';
import { mentionSchema } from '../../sync-server/protocol/entry.ts';
import type { Scope } from '../../sync-server/protocol/scope.ts';
import type { Composed } from '../editor/composed.ts';
import type { Candidate } from '../editor/composer.tsx';
import { readDraft, writeDraft } from '../editor/draft.ts';
import { bestMatches, mentionables } from './directory.ts';
import { useOffice } from './office-context.tsx';

const Composer = lazy(() => import('../editor/composer.tsx').then((module) => ({ default: module.Composer })));

const MAX_CANDIDATES = 8;

/** Asks every role of a department for a note before its answer. */
const CONSULT = { label: 'Consult the whole department', mention: { kind: 'all', id: 'all', name: 'all' } };

export interface MessageBoxProps {
  readonly scope: Scope;
  /** Names the draft: one per session, and one per place where a session begins. */
  readonly draftName: string;
  readonly placeholder: string;
  readonly label?: string;
  readonly sendLabel?: string;
  readonly autofocus?: boolean;
  /** Starts with this instead of the draft, and keeps none: for editing what was sent. */
  readonly initial?: Composed;
  readonly onSend: (text: string, mentions: readonly Mention[]) => boolean;
  readonly onTyping?: () => void;
  readonly onUp?: () => void;
  readonly onEscape?: () => void;
}

/** The composer, with the office's people, agents and departments behind `@`, and its draft kept on the device. */
export function MessageBox(props: MessageBoxProps) {
  const { office } = useOffice();
  const all = createMemo(() =>
    mentionables(
      props.scope,
      office.state.members.filter(({ disabled }) => !disabled),
    ),
  );
  const draftKey = () => `daena/${office.me.id}/draft/${props.draftName}`;
  const candidates = (query: string): readonly Candidate[] =>
    bestMatches(all(), query, ({ name }) => name, MAX_CANDIDATES).map(({ type, id, name, detail, hue }) => ({
      mention: { kind: type, id, name },
      detail,
      hue,
    }));
  const send = (composed: Composed): boolean => {
    const mentions = composed.mentions.flatMap(({ kind, id }) => {
      const mention = mentionSchema.safeParse({ type: kind, id });
      return mention.success ? [mention.data] : [];
    });
    return props.onSend(composed.text, mentions);
  };
  return (
    <Suspense fallback={<div class="composer" style={{ 'min-height': '48px' }} aria-busy="true" />}>
      <Composer
        label={props.label ?? 'Message'}
        placeholder={props.placeholder}
        initial={props.initial ?? readDraft(office.device.shelf, draftKey())}
        {...(props.sendLabel === undefined ? {} : { sendLabel: props.sendLabel })}
        autofocus={props.autofocus ?? false}
        candidates={candidates}
        {...(props.scope.type === 'department' && props.initial === undefined ? { offer: CONSULT } : {})}
        onChange={(composed) => {
          if (props.initial === undefined) writeDraft(office.device.shelf, draftKey(), composed);
          if (composed.text !== '') props.onTyping?.();
        }}
        onSend={send}
        {...(props.onUp === undefined ? {} : { onUp: () => props.onUp?.() })}
        {...(props.onEscape === undefined ? {} : { onEscape: () => props.onEscape?.() })}
      />
    </Suspense>
  );
}
