import { z } from 'zod';
import { agentOf, councilOf, DEPARTMENTS, departmentOf, VICE_PRESIDENT } from './organisation.ts';
import { unreachable } from './unreachable.ts';

export const scopeTypeSchema = z.enum(['executive', 'department', 'agent', 'general', 'council']);
export type ScopeType = z.infer<typeof scopeTypeSchema>;

/** Whom a session belongs to. `id`: `daena`, a department's slug, an agent's id, a council's id; null for general. */
export const scopeSchema = z.strictObject({ type: scopeTypeSchema, id: z.string().max(80).nullable() });
export interface Scope {
  readonly type: ScopeType;
  readonly id: string | null;
}

/** The scope of a type and an id as callers give them, or null where the organisation has no such thing. */
export function resolveScope(type: ScopeType, id: string | null | undefined): Scope | null {
  switch (type) {
    case 'executive':
      return id === undefined || id === null || id === VICE_PRESIDENT.id ? { type, id: VICE_PRESIDENT.id } : null;
    case 'department':
      return id && departmentOf(id) ? { type, id } : null;
    case 'agent': {
      const agent = id ? agentOf(id) : undefined;
      return agent?.kind === 'department' ? { type, id: agent.id } : null;
    }
    case 'council':
      return id && councilOf(id) ? { type, id } : null;
    case 'general':
      return id === undefined || id === null ? { type, id: null } : null;
    default:
      return unreachable(type);
  }
}

/** The views that a list of sessions can be narrowed to; a department's slug is a category of its own. */
export const categorySchema = z.enum([
  'all',
  'executive',
  'departments',
  'agents',
  'general',
  'council',
  ...DEPARTMENTS.map((department) => department.slug),
]);
export type Category = z.infer<typeof categorySchema>;

/** The category that a session is listed under: its department's slug, or the scope's own view. */
export function categoryOf(scope: Scope): Category {
  switch (scope.type) {
    case 'executive':
    case 'general':
    case 'council':
      return scope.type;
    case 'agent':
      return 'agents';
    case 'department':
      return categorySchema.parse(scope.id);
    default:
      return unreachable(scope.type);
  }
}

/** The scope filter that a category stands for; null: no filter. */
export function scopeFilterOf(category: Category): { readonly type: ScopeType; readonly id?: string } | null {
  switch (category) {
    case 'all':
      return null;
    case 'executive':
    case 'general':
    case 'council':
      return { type: category };
    case 'departments':
      return { type: 'department' };
    case 'agents':
      return { type: 'agent' };
    default:
      return { type: 'department', id: category };
  }
}

/** `chat.message` events name their kind of chat this way. */
export function chatTypeOf(
  scope: Scope,
): 'daena_chat' | 'department_chat' | 'agent_chat' | 'council_chat' | 'general_chat' {
  return scope.type === 'executive' ? 'daena_chat' : `${scope.type}_chat`;
}
