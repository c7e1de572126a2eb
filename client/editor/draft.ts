import type { Composed } from './composed.ts';

/** Where drafts live on the device; `Storage` fits. */
export interface DraftShelf {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

const EMPTY: Composed = { text: '', mentions: [] };

function isComposed(value: unknown): value is Composed {
  return (
    typeof value === 'object' &&
    value !== null &&
    'text' in value &&
    typeof value.text === 'string' &&
    'mentions' in value &&
    Array.isArray(value.mentions) &&
    value.mentions.every((mention: unknown) => {
      if (typeof mention !== 'object' || mention === null) return false;
      return (['kind', 'id', 'name'] as const).every(
        (key) => key in mention && typeof Reflect.get(mention, key) === 'string',
      );
    })
  );
}

/** The draft under a key; empty where there is none or what is there is unreadable. */
export function readDraft(shelf: DraftShelf, key: string): Composed {
  try {
    const value: unknown = JSON.parse(shelf.getItem(key) ?? 'null');
    return isComposed(value) ? value : EMPTY;
  } catch {
    // An unreadable draft cannot be shown; it is left in place until something new is written over it.
    return EMPTY;
  }
}

/** Keeps a draft; an empty one is removed. Answers false where the device refuses (full, or storage forbidden). */
export function writeDraft(shelf: DraftShelf, key: string, draft: Composed): boolean {
  try {
    if (draft.text === '') shelf.removeItem(key);
    else shelf.setItem(key, JSON.stringify(draft));
    return true;
  } catch {
    return false;
  }
}
