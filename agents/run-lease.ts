import type { Lease } from '../sync-server/protocol/worker-link.ts';
import type { Endpoint } from './model/brain-state.ts';
import { ModelClient } from './model/model-client.ts';
import { CONTEXT_TOKENS } from './model/runner-options.ts';
import { Peer } from './peer.ts';
import { runTurn } from './turn.ts';
import type { RunLease } from './worker.ts';

/** The part of a `Brain` that a turn needs. */
interface Answering {
  endpoint(): Endpoint | null;
  status(): { readonly error?: string };
  probe(): Promise<void>;
}

export interface LeaseRunnerOptions {
  readonly server: string;
  readonly token: () => string;
  readonly brain: Answering;
  /** How long a turn goes on without its server, in ms. */
  readonly maxAwayMs?: number;
}

/** Runs leases with the model that answers at that moment; where none does, they are given back with the reason. */
export function makeLeaseRunner(options: LeaseRunnerOptions): RunLease {
  const { server, token, brain, maxAwayMs } = options;
  return async (lease: Lease, onPhase, signal) => {
    const endpoint = brain.endpoint();
    if (endpoint === null) {
      return { kind: 'released', reason: brain.status().error ?? 'No model answers at the moment.' };
    }
    const client = new ModelClient({ host: endpoint.host });
    const peer = new Peer({ server, token, lease, ...(maxAwayMs === undefined ? {} : { maxAwayMs }) });
    try {
      const end = await runTurn({
        lease,
        peer,
        signal,
        chat: (request, waiting) => client.chat(request, waiting),
        speaker: {
          model: endpoint.model,
          isRehearsed: endpoint.provider === 'rehearsal',
          contextTokens: CONTEXT_TOKENS,
        },
        onPhase: (phase) => onPhase(phase, endpoint.model),
      });
      // The next turn should know that the model went.
      if (end.kind === 'released') void brain.probe();
      return end;
    } finally {
      peer.close();
      await client.close();
    }
  };
}
