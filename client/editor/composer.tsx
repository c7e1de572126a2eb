import { createSignal, createUniqueId, For, onCleanup, onMount, Show } from 'solid-js';
import { Avatar } from '../ui/avatar.tsx';
import { IconButton } from '../ui/button.tsx';
import { type Composed, isBlank, type Mention } from './composed.ts';
import { makePlainEditor, type PlainEditor } from './plain-editor.ts';

/** Something that `@` can complete to, as it is listed. */
export interface Candidate {
  readonly mention: Mention;
  readonly detail: string;
  readonly hue: string;
}

export interface ComposerProps {
  /** Accessible name of the text box. */
  readonly label: string;
  readonly placeholder: string;
  readonly initial: Composed;
  readonly sendLabel?: string;
  readonly autofocus?: boolean;
  /** Best first, at most a screenful. */
  readonly candidates: (query: string) => readonly Candidate[];
  readonly onChange: (composed: Composed) => void;
  /** Answers whether it took the text; only then the composer empties. */
  readonly onSend: (composed: Composed) => boolean;
  /** Up in an empty composer. */
  readonly onUp?: () => void;
  readonly onEscape?: () => void;
  /** A mention that is one press away. */
  readonly offer?: { readonly label: string; readonly mention: Mention };
}

/** Height that the list of candidates may need, with the head above it. */
const LIST_ROOM_PX = 380;

/** Touch keyboards have no Shift+Enter at hand: there Enter breaks the line and the button sends. */
const entersBreakLines = () => window.matchMedia('(hover: none) and (pointer: coarse)').matches;

export function Composer(props: ComposerProps) {
  const listId = createUniqueId();
  const [isEmpty, setEmpty] = createSignal(isBlank(props.initial));
  const [query, setQuery] = createSignal<string>();
  const [dismissed, setDismissed] = createSignal<string>();
  const [chosen, setChosen] = createSignal(0);
  const candidates = () => {
    const asked = query();
    return asked === undefined || asked === dismissed() ? [] : props.candidates(asked);
  };
  const isOpen = () => candidates().length > 0;
  /** The list opens where there is room for it. */
  const side = () => {
    query();
    return (element?.getBoundingClientRect().top ?? LIST_ROOM_PX) < LIST_ROOM_PX ? 'below' : 'above';
  };
  let element: HTMLDivElement | undefined;
  let editor: PlainEditor | undefined;

  const choose = (candidate: Candidate | undefined): boolean => {
    if (candidate === undefined) return false;
    editor?.insertMention(candidate.mention);
    editor?.focus();
    return true;
  };
  const move = (step: number): boolean => {
    if (!isOpen()) return false;
    setChosen((index) => (index + step + candidates().length) % candidates().length);
    return true;
  };
  const send = () => {
    const composed = editor?.read();
    if (composed === undefined || isBlank(composed)) return;
    if (!props.onSend({ ...composed, text: composed.text.trim() })) return;
    // Sending may have taken this composer off the page already; its draft must go all the same.
    props.onChange({ text: '', mentions: [] });
    editor?.write({ text: '', mentions: [] });
    editor?.focus();
  };

  onMount(() => {
    if (element === undefined) return;
    editor = makePlainEditor(element, props.initial, {
      change: (composed) => {
        setEmpty(isBlank(composed));
        props.onChange(composed);
      },
      query: (next) => {
        if (next !== query()) setChosen(0);
        if (next === undefined) setDismissed(undefined);
        setQuery(next);
      },
      keys: {
        enter: (event) => {
          if (isOpen()) return choose(candidates()[chosen()]);
          if (event.shiftKey || entersBreakLines()) return false;
          send();
          return true;
        },
        tab: () => isOpen() && choose(candidates()[chosen()]),
        up: () => {
          if (move(-1)) return true;
          if (!isEmpty() || props.onUp === undefined) return false;
          props.onUp();
          return true;
        },
        down: () => move(1),
        escape: () => {
          if (isOpen()) setDismissed(query());
          else if (props.onEscape) props.onEscape();
          else return false;
          return true;
        },
      },
    });
    if (props.autofocus) editor.focus();
  });
  onCleanup(() => {
    editor?.dispose();
    editor = undefined;
  });

  return (
    <div class="composer">
      <Show when={isOpen()}>
        <div class="menu mention-menu" data-side={side()} role="listbox" id={listId} aria-label="Mention">
          <For each={candidates()}>
            {(candidate, index) => (
              <div
                class="menu-item"
                role="option"
                tabIndex={-1}
                id={`${listId}-${index()}`}
                aria-selected={index() === chosen()}
                onMouseDown={(event) => {
                  event.preventDefault();
                  choose(candidate);
                }}
                onMouseMove={() => setChosen(index())}
              >
                <Avatar name={candidate.mention.name} hue={candidate.hue} size={22} />
                <span class="grow">{candidate.mention.name}</span>
                <span class="hint">{candidate.detail}</span>
              </div>
            )}
          </For>
        </div>
      </Show>
      <div class="composer-field">
        <Show when={isEmpty()}>
          <span class="composer-placeholder" aria-hidden="true">
            {props.placeholder}
          </span>
        </Show>
        {/* biome-ignore lint/a11y/useSemanticElements: Lexical edits a contenteditable element */}
        <div
          ref={element}
          class="composer-text scroll"
          contenteditable="true"
          role="textbox"
          tabIndex={0}
          aria-multiline="true"
          aria-label={props.label}
          aria-autocomplete="list"
          aria-controls={isOpen() ? listId : undefined}
          aria-activedescendant={isOpen() ? `${listId}-${chosen()}` : undefined}
          spellcheck={true}
          dir="auto"
        />
      </div>
      <div class="composer-actions">
        <Show when={props.offer}>
          {(offer) => (
            <IconButton
              icon="people"
              label={offer().label}
              onClick={() => {
                editor?.insertMention(offer().mention);
                editor?.focus();
              }}
            />
          )}
        </Show>
        <IconButton
          class="composer-send"
          icon="send"
          label={props.sendLabel ?? 'Send'}
          disabled={isEmpty()}
          onClick={send}
        />
      </div>
    </div>
  );
}
