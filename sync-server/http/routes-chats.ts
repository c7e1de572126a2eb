import { OfficeError } from '../protocol/errors.ts';
import { type Mount, SUCCESS } from './mount.ts';
import type { OfficeContext } from './office-context.ts';
import { segmentResponse } from './segment-response.ts';

/** Routes about sessions: starting, listing, reading, writing, searching, exporting, stopping. */
export function mountChats(mount: Mount, office: OfficeContext): void {
  const { sessions, sessionStore, scheduler } = office;

  mount('startChat', async ({ person, body }) => {
    const session = await sessions.start(person, body);
    return { ...SUCCESS, session_id: session.session_id, session };
  });
  mount('startDaenaChat', async ({ person, body }) => {
    const session = await sessions.start(person, { ...body, scope_type: 'executive' });
    return { ...SUCCESS, session_id: session.session_id, session };
  });
  mount('sessions', ({ person, query }) =>
    sessionStore.list(person, {
      category: query.category,
      scopeType: query.scope_type,
      scopeId: query.scope_id,
      q: query.q,
      binned: query.binned === 'true',
      limit: query.limit,
      cursor: query.cursor,
    }),
  );
  mount('session', async ({ person, params }) => {
    sessions.require(person, params.id, 'read');
    await office.caughtUp();
    return { ...SUCCESS, session: sessions.wire(person, params.id), turns: [...scheduler.views(params.id)] };
  });
  mount('renameSession', async ({ person, params, body }) => ({
    ...SUCCESS,
    session: await sessions.rename(person, params.id, body.title),
  }));
  mount('binSession', async ({ person, params }) => ({
    ...SUCCESS,
    session: await sessions.setBinned(person, params.id, true),
  }));
  mount('restoreSession', async ({ person, params }) => ({
    ...SUCCESS,
    session: await sessions.setBinned(person, params.id, false),
  }));
  mount('messages', async ({ person, params, query }) => {
    sessions.require(person, params.id, 'read');
    await office.caughtUp();
    return sessionStore.messages(params.id, query);
  });
  mount('segment', async ({ person, params, headers }) => {
    sessions.require(person, params.id, 'read');
    await office.caughtUp();
    const page = sessionStore.segmentPage(params.id, params.n);
    if (!page) throw new OfficeError('unknown', 'this session has no such segment');
    return segmentResponse({ session_id: params.id, segment: params.n }, page, headers.get('if-none-match'));
  });
  mount('postMessage', async ({ person, params, body }) => ({
    ...SUCCESS,
    message: await sessions.postMessage(person, params.id, body),
  }));
  mount('exportSession', async ({ person, params, query }) => {
    sessions.require(person, params.id, 'read');
    await office.caughtUp();
    const file = sessionStore.exportSession(params.id, query.format, person.id);
    return new Response(file?.body, {
      headers: {
        'content-type': file?.contentType ?? 'text/plain',
        'content-disposition': `attachment; filename="${file?.fileName ?? params.id}"`,
        'cache-control': 'no-store',
      },
    });
  });
  mount('search', ({ person, query }) => ({
    hits: sessionStore.search(person, {
      q: query.q,
      scopeType: query.scope_type,
      scopeId: query.scope_id,
      limit: query.limit,
    }),
  }));
  mount('stopTurn', async ({ person, params, body }) => {
    const turn = scheduler.view(params.id);
    if (!turn) throw new OfficeError('unknown', 'no such turn');
    sessions.require(person, turn.session_id, 'direct');
    const outcome = await scheduler.stopTurn(params.id, body.attempt, person.id);
    if (outcome === 'stale') throw new OfficeError('conflict', 'another attempt of this turn is running');
    return { ...SUCCESS, turn: scheduler.view(params.id) ?? turn };
  });
}
