import { z } from 'zod';

/** What a person may do in the whole office. Finer roles can come later behind `permission`. */
export const roleSchema = z.enum(['owner', 'member']);
export type Role = z.infer<typeof roleSchema>;

/** A person who signed in (or whose API key is used). */
export interface Person {
  readonly kind: 'person';
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: Role;
}

/** A headless agent worker, known by the service token. It may do only what its leases say. */
export interface Worker {
  readonly kind: 'worker';
  readonly id: string;
}

/** An authenticated actor. */
export type Principal = Person | Worker;
