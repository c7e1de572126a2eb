import { OfficeError } from '../protocol/errors.ts';
import type { Mount } from './mount.ts';
import type { OfficeContext } from './office-context.ts';
import { describeApi } from './openapi.ts';

/** Routes about the office itself: is it well, what answers, what happened. */
export function mountOffice(mount: Mount, office: OfficeContext, version: string): void {
  const text = (body: string): Response =>
    new Response(body, { headers: { 'content-type': 'text/plain; charset=utf-8' } });
  const description = describeApi(version);

  mount('livez', () => text('ok'));
  mount('readyz', () => {
    if (!office.health.isReady) throw new OfficeError('restarting', 'not ready yet', { retryAfterSeconds: 1 });
    return text('ok');
  });
  mount('health', () => office.health.read());
  mount('metrics', async () => text(await office.health.metrics()));
  mount('openapi', () => Response.json(description));
  mount('brainStatus', () => office.scheduler.brainStatus());
  mount('recentEvents', ({ person, query }) => {
    const { events, gap, oldest } = office.events.since(query.since_event_id ?? null, query.limit, person);
    return { events: events.map(({ wire }) => wire), ...(gap && { gap, oldest }) };
  });
}
