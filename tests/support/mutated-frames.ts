import * as Y from 'yjs';
import { writeAwareness, writeStep1, writeStep2, writeUpdate } from '../../sync-server/protocol/frames.ts';
import { writeEntry } from '../../sync-server/protocol/segment.ts';
import { message } from './entries.ts';

/** Numbers below a bound that follow from the seed (mulberry32). */
export function randomness(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** A frame with a few bytes changed, cut off, put in, or doubled. */
export function mutate(frame: Uint8Array, below: (bound: number) => number): Uint8Array {
  const bytes = [...frame];
  for (let times = 1 + below(4); times > 0; times--) {
    const at = below(bytes.length + 1);
    const kind = below(5);
    if (kind === 0) bytes[Math.min(at, bytes.length - 1)] = below(256);
    else if (kind === 1) bytes.splice(at, 1 + below(8));
    else if (kind === 2) bytes.splice(at, 0, ...Array.from({ length: 1 + below(8) }, () => below(256)));
    else if (kind === 3) bytes.length = at;
    else bytes.push(...bytes.slice(at, at + 64));
    if (bytes.length === 0) bytes.push(below(256));
  }
  return Uint8Array.from(bytes);
}

/** Frames of every kind, as an honest peer of this author sends them. */
export function seedFrames(author: string): Uint8Array[] {
  const segment = new Y.Doc();
  writeEntry(segment, message(author, 900));
  writeEntry(segment, message(author, 901));
  const brief = new Y.Doc();
  const root = brief.get('root', Y.XmlText);
  const paragraph = new Y.XmlText();
  root.insertEmbed(0, paragraph);
  paragraph.insert(0, 'hello');
  paragraph.delete(1, 2);
  paragraph.format(0, 2, { bold: true });
  return [
    writeStep1(Y.encodeStateVector(segment)),
    writeStep2(Y.encodeStateAsUpdate(segment)),
    writeUpdate(Y.encodeStateAsUpdate(segment)),
    writeUpdate(Y.encodeStateAsUpdate(brief)),
    writeStep2(Y.encodeStateAsUpdate(brief)),
    writeAwareness([{ client: 5, clock: 1, state: '{"isTyping":true}' }]),
  ];
}
