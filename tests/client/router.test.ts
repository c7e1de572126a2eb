import { expect, test } from 'vitest';
import { placeOf, scopePath, sessionPath } from '../../client/router.ts';

test.each([
  ['/', { kind: 'map' }],
  ['/executive', { kind: 'executive' }],
  ['/departments', { kind: 'departments' }],
  ['/departments/finance', { kind: 'department', slug: 'finance' }],
  ['/agents', { kind: 'agents' }],
  ['/agents/finance/synth', { kind: 'agent', agentId: 'finance/synth' }],
  ['/councils/dept-hr', { kind: 'council', councilId: 'dept-hr' }],
  ['/executive/more', { kind: 'unknown', path: '/executive/more' }],
  ['/nowhere', { kind: 'unknown', path: '/nowhere' }],
])('%s is a place', (path, place) => {
  expect(placeOf(path, '', '')).toEqual(place);
});

test('one-time tokens are read from the fragment, which no server sees', () => {
  expect(placeOf('/setup', '', '#abc')).toEqual({ kind: 'setup', token: 'abc' });
  expect(placeOf('/invite', '', '#a%2Fb')).toEqual({ kind: 'invite', token: 'a/b' });
});

test('a session opens at a message, a search at its words', () => {
  expect(placeOf('/s/01ABC', '', '#r_x')).toEqual({ kind: 'session', sessionId: '01ABC', messageId: 'r_x' });
  expect(sessionPath('01ABC', 'r_x')).toBe('/s/01ABC#r_x');
  expect(placeOf('/search', '?q=two%20words', '')).toEqual({ kind: 'search', query: 'two words' });
});

test('every scope has its page', () => {
  expect(scopePath({ type: 'agent', id: 'finance/synth' })).toBe('/agents/finance/synth');
  expect(scopePath({ type: 'general', id: null })).toBe('/general');
  expect(scopePath({ type: 'executive', id: 'daena' })).toBe('/executive');
});
