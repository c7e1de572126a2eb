import { expect, test } from 'vitest';
import { parseDocumentName } from '../../sync-server/protocol/document-name.ts';
import { OFFICE_ERRORS } from '../../sync-server/protocol/errors.ts';
import {
  officePermission,
  permission,
  type SessionAction,
  type SessionGrant,
} from '../../sync-server/protocol/permission.ts';
import {
  MAX_ATTEMPTS,
  nextTurnState,
  TURN_MACHINE,
  turnIdOf,
  turnStateSchema,
} from '../../sync-server/protocol/turn.ts';
import { person, ulid } from '../support/entries.ts';

const open: SessionGrant = {
  scope: { type: 'general', id: null },
  owner: 'ann',
  isPrivate: false,
  members: ['carol'],
  isBinned: false,
};
const ACTIONS: readonly SessionAction[] = ['read', 'write', 'manage', 'moderate', 'direct'];
const may = (id: string, role: 'owner' | 'member', grant: SessionGrant): string =>
  ACTIONS.filter((action) => permission(person(id, role), grant, action)).join(' ');

test('[PE1] who may do what in a session', () => {
  const everything = 'read write manage moderate direct';
  expect(may('ann', 'member', open)).toBe(everything);
  expect(may('bob', 'member', open)).toBe('read write direct');
  expect(may('boss', 'owner', open)).toBe(everything);
  const binned = { ...open, isBinned: true };
  expect(may('ann', 'member', binned)).toBe('read manage moderate');
  expect(may('bob', 'member', binned)).toBe('read');
  const closed = { ...open, isPrivate: true };
  expect(may('ann', 'member', closed)).toBe(everything);
  expect(may('carol', 'member', closed)).toBe('read write direct');
  expect(may('bob', 'member', closed)).toBe('');
  expect(may('boss', 'owner', closed)).toBe('');
});

test('[PE1] a worker has no grant of its own, and only owners manage the office', () => {
  const worker = { kind: 'worker', id: 'worker' } as const;
  expect(ACTIONS.filter((action) => permission(worker, open, action))).toEqual([]);
  expect(officePermission(worker, 'see')).toBe(false);
  expect(officePermission(person('bob'), 'invite')).toBe(false);
  expect(officePermission(person('boss', 'owner'), 'manage-councils')).toBe(true);
});

test('[RO2] only these names are documents', () => {
  expect(parseDocumentName(`session/${ulid(1)}/12`)).toEqual({ kind: 'segment', sessionId: ulid(1), segment: 12 });
  expect(parseDocumentName(`brief/${ulid(1)}`)).toEqual({ kind: 'brief', sessionId: ulid(1) });
  const names = ['', 'x', `session/${ulid(1)}`, `session/${ulid(1)}/0`, `session/${ulid(1)}/01`, `brief/${ulid(1)}/1`];
  for (const name of [...names, 'brief/01arz3ndektsv4rrffq69g5fav', `/brief/${ulid(1)}`]) {
    expect(parseDocumentName(name)).toBeNull();
  }
});

test('[HT2] every refusal has one status and one close code; 44xx is for good, 45xx for now', () => {
  for (const [code, { status, close }] of Object.entries(OFFICE_ERRORS)) {
    const isForNow = status >= 500 || code === 'too_many';
    expect([code, close >= 4500 && close < 4600]).toEqual([code, isForNow]);
    expect([code, close >= 4400 && close < 4500]).toEqual([code, !isForNow]);
  }
});

test('[TU2] a final state is never left, and an interruption leads back to the queue', () => {
  for (const state of turnStateSchema.options) {
    const isFinal = ['done', 'stopped', 'failed'].includes(state);
    expect(Object.values(TURN_MACHINE[state]).every((next) => next === null)).toBe(isFinal);
    if (!isFinal) expect(nextTurnState(state, 'stopped')).toBe('stopped');
    if (!isFinal && state !== 'queued') expect(nextTurnState(state, 'interrupted')).toBe('queued');
  }
  expect(nextTurnState('queued', 'leased')).toBe('loading');
  expect(MAX_ATTEMPTS).toBe(3);
});

test('[TU11] a turn is known by what it is for', () => {
  const id = turnIdOf(ulid(1), ulid(2), 'daena', 'answer');
  expect(turnIdOf(ulid(1), ulid(2), 'daena', 'answer')).toBe(id);
  const others = [
    turnIdOf(ulid(9), ulid(2), 'daena', 'answer'),
    turnIdOf(ulid(1), ulid(9), 'daena', 'answer'),
    turnIdOf(ulid(1), ulid(2), 'finance/synth', 'answer'),
    turnIdOf(ulid(1), ulid(2), 'daena', 'note'),
  ];
  expect(new Set([id, ...others]).size).toBe(5);
});
