import { createHash } from 'node:crypto';
import type { SegmentPage } from '../../persistence/projection/segment-reader.ts';
import type { WireSegmentPage } from '../protocol/wire.ts';

/**
 * A page of history as an answer: 304 without a body where the caller has it. The ETag follows from the ids on the page:
 * entries never change, so the same ids are the same page, also after the database was built anew.
 * @param ifNoneMatch the request's header of that name
 */
export function segmentResponse(
  { session_id, segment }: Pick<WireSegmentPage, 'session_id' | 'segment'>,
  page: SegmentPage,
  ifNoneMatch: string | null,
): Response {
  const etag = etagOf(page.entries.map(({ id }) => id));
  const headers = { etag, 'cache-control': 'private, no-cache' };
  if (isMatch(ifNoneMatch, etag)) return new Response(null, { status: 304, headers });
  const head = JSON.stringify({ session_id, segment, is_sealed: page.isSealed });
  // The entries are JSON texts already.
  const body = `${head.slice(0, -1)},"entries":[${page.entries.map(({ value }) => value).join(',')}]}`;
  return new Response(body, { headers: { ...headers, 'content-type': 'application/json' } });
}

const etagOf = (ids: readonly string[]): string =>
  `"${createHash('sha256').update(ids.join(' ')).digest('base64url').slice(0, 27)}"`;

/** RFC 9110, 13.1.2: the comparison is weak. */
const isMatch = (ifNoneMatch: string | null, etag: string): boolean =>
  (ifNoneMatch ?? '').split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
