import type { Entry } from '../protocol/entry.ts';
import type { NackCode, StateVector } from '../protocol/frames.ts';

/** An entry that was neutralised: nothing stands in its place, and its author is told. */
export interface Refusal {
  readonly entry: string | null;
  readonly code: NackCode;
  readonly client: number;
  readonly clock: number;
}

/** What the gate says of one update. */
export type Verdict =
  /** It builds on something that the room lacks. An honest peer sends that when asked. */
  | { readonly kind: 'gap' }
  /** No honest peer writes this: the connection is closed. */
  | { readonly kind: 'forged'; readonly reason: string }
  /** The right to write here is over (the lease of a worker). */
  | { readonly kind: 'over'; readonly reason: string }
  /** Nothing new in it for this peer. `known` are the peer's own clocks that the room has already. */
  | { readonly kind: 'known'; readonly known: StateVector }
  | {
      readonly kind: 'take';
      /** The update as it may enter: only what was looked at. */
      readonly update: Uint8Array;
      /** Clocks by client id that are durable once the update is. */
      readonly saved: StateVector;
      /** Client ids that write here for the first time. */
      readonly bind: readonly number[];
      readonly entries: readonly Entry[];
      readonly refusals: readonly Refusal[];
    };

/** Structs of one client id that the room lacks, or why there are none to judge. */
export type NewStructs<S> =
  | { readonly kind: 'none' }
  | { readonly kind: 'gap' }
  | { readonly kind: 'straddles' }
  | { readonly kind: 'new'; readonly structs: readonly S[]; readonly firstOffset: number };
