import type { Principal } from './principal.ts';
import type { Scope } from './scope.ts';
import { unreachable } from './unreachable.ts';

/** What can be done with a session. */
export type SessionAction =
  | 'read'
  | 'write'
  /** rename, move to the bin, restore */
  | 'manage'
  /** retract what others wrote */
  | 'moderate'
  /** stop an agent, ask again, start or end a debate */
  | 'direct';

/** What can be done with the office as a whole. */
export type OfficeAction = 'see' | 'create-session' | 'invite' | 'manage-members' | 'manage-councils' | 'read-health';

/** What of a session decides who may do what. */
export interface SessionGrant {
  readonly scope: Scope;
  readonly owner: string;
  readonly isPrivate: boolean;
  /** Who besides the owner may enter a private session. */
  readonly members: readonly string[];
  readonly isBinned: boolean;
}

/**
 * Whether a principal may do something in a session. Denies by default. A worker has no grant of its own here:
 * what it may do is what its lease says.
 */
export function permission(principal: Principal, session: SessionGrant, action: SessionAction): boolean {
  if (principal.kind !== 'person') return false;
  const isOwnSession = session.owner === principal.id;
  const isInside = !session.isPrivate || isOwnSession || session.members.includes(principal.id);
  if (!isInside) return false;
  switch (action) {
    case 'read':
      return true;
    case 'write':
    case 'direct':
      return !session.isBinned;
    case 'manage':
    case 'moderate':
      return isOwnSession || principal.role === 'owner';
    default:
      return unreachable(action);
  }
}

/** Whether a principal may do something in the office. Denies by default. */
export function officePermission(principal: Principal, action: OfficeAction): boolean {
  if (principal.kind !== 'person') return false;
  switch (action) {
    case 'see':
    case 'create-session':
    case 'read-health':
      return true;
    case 'invite':
    case 'manage-members':
    case 'manage-councils':
      return principal.role === 'owner';
    default:
      return unreachable(action);
  }
}
