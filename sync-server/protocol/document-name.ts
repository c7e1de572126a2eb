import { isUlid, type SessionId } from './ids.ts';

/** What a document's name says. Segments of a session count from 1. */
export type DocumentRef =
  | { readonly kind: 'segment'; readonly sessionId: SessionId; readonly segment: number }
  | { readonly kind: 'brief'; readonly sessionId: SessionId };

const SEGMENT = /^session\/([0-9A-Z]{26})\/([1-9]\d{0,5})$/;
const BRIEF = /^brief\/([0-9A-Z]{26})$/;

export const segmentName = (sessionId: SessionId, segment: number): string => `session/${sessionId}/${segment}`;
export const briefName = (sessionId: SessionId): string => `brief/${sessionId}`;

/** The document that a name means, or null where it is no name of ours. Says nothing about whether it exists. */
export function parseDocumentName(name: string): DocumentRef | null {
  const segment = SEGMENT.exec(name);
  if (segment?.[1] && isUlid(segment[1]))
    return { kind: 'segment', sessionId: segment[1], segment: Number(segment[2]) };
  const brief = BRIEF.exec(name);
  if (brief?.[1] && isUlid(brief[1])) return { kind: 'brief', sessionId: brief[1] };
  return null;
}
