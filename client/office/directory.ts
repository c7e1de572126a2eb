import type { Mention } from '../../sync-server/protocol/entry.ts';
import { OFFICE_AUTHOR } from '../../sync-server/protocol/entry.ts';
import {
  AGENTS,
  agentOf,
  councilOf,
  DEPARTMENTS,
  departmentOf,
  VICE_PRESIDENT,
} from '../../sync-server/protocol/organisation.ts';
import type { Scope } from '../../sync-server/protocol/scope.ts';
import { unreachable } from '../../sync-server/protocol/unreachable.ts';
import { hueOf } from '../ui/initials.ts';

/** Somebody or something with a name and a colour. */
export interface Known {
  readonly id: string;
  readonly name: string;
  readonly hue: string;
  readonly detail: string;
  readonly isAgent: boolean;
}

export interface Named {
  readonly id: string;
  readonly name: string;
}

/** Whoever an author id stands for. An id that nobody has any more still gets a steady name and hue. */
export function whoIs(id: string, members: readonly Named[]): Known {
  if (id === OFFICE_AUTHOR) return { id, name: 'Office', hue: VICE_PRESIDENT.colour, detail: '', isAgent: true };
  const agent = agentOf(id);
  if (agent) return { id, name: agent.name, hue: agent.colour, detail: agent.title, isAgent: true };
  const member = members.find((other) => other.id === id);
  return { id, name: member?.name ?? 'Someone', hue: hueOf(id), detail: '', isAgent: false };
}

/** How a scope is called and coloured. */
export function scopeFace(scope: Scope): { readonly name: string; readonly hue: string; readonly about: string } {
  switch (scope.type) {
    case 'executive':
      return { name: VICE_PRESIDENT.name, hue: VICE_PRESIDENT.colour, about: VICE_PRESIDENT.title };
    case 'department': {
      const department = departmentOf(scope.id ?? '');
      return {
        name: department?.name ?? 'Department',
        hue: department?.colour ?? '#888',
        about: department?.about ?? '',
      };
    }
    case 'agent': {
      const agent = agentOf(scope.id ?? '');
      const department = departmentOf(agent?.group ?? '')?.name ?? '';
      return {
        name: agent?.name ?? 'Agent',
        hue: agent?.colour ?? '#888',
        about: `${agent?.title ?? ''}, ${department}`,
      };
    }
    case 'council': {
      const council = councilOf(scope.id ?? '');
      return { name: council?.name ?? 'Council', hue: council?.colour ?? '#888', about: council?.about ?? '' };
    }
    case 'general':
      return { name: 'General', hue: '#8a8678', about: 'Everyone, and whomever you mention' };
    default:
      return unreachable(scope.type);
  }
}

export interface Mentionable extends Known {
  readonly type: Mention['type'];
}

/** Everyone and everything that `@` can mean in a session, those of its own scope first. */
export function mentionables(scope: Scope, members: readonly Named[]): readonly Mentionable[] {
  const own = (group: string | null) => (scope.id !== null && scope.id.split('/')[0] === group ? 0 : 1);
  const agents = [...AGENTS]
    .sort((a, b) => own(a.group) - own(b.group))
    .map(({ id }): Mentionable => ({ ...whoIs(id, []), type: 'agent' }));
  const people = members.map((member): Mentionable => ({ ...whoIs(member.id, members), type: 'person' }));
  const departments = DEPARTMENTS.map(
    ({ slug, name, colour }): Mentionable => ({
      id: slug,
      name,
      hue: colour,
      detail: 'Department',
      isAgent: false,
      type: 'department',
    }),
  );
  const all: readonly Mentionable[] =
    scope.type === 'department' || scope.type === 'council'
      ? [
          {
            id: 'all',
            name: 'all',
            hue: scopeFace(scope).hue,
            detail: 'Ask everyone here',
            isAgent: false,
            type: 'all',
          },
        ]
      : [];
  return [...all, ...people, ...agents, ...departments];
}

/** How well a name answers a query: smaller is better, null is not at all. */
export function matchRank(name: string, query: string): number | null {
  const wanted = query.trim().toLocaleLowerCase();
  const text = name.toLocaleLowerCase();
  if (text.startsWith(wanted)) return 0;
  const isWordStart = text.split(/[\s&/]+/).some((word) => word.startsWith(wanted));
  if (isWordStart) return 1;
  return text.includes(wanted) && wanted.length > 1 ? 2 : null;
}

/** The best answers to a query, in order, at most `limit`; equal ranks keep their order. */
export function bestMatches<Item>(
  items: readonly Item[],
  query: string,
  textOf: (item: Item) => string,
  limit: number,
): readonly Item[] {
  return items
    .flatMap((item) => {
      const rank = matchRank(textOf(item), query);
      return rank === null ? [] : [{ item, rank }];
    })
    .sort((a, b) => a.rank - b.rank)
    .slice(0, limit)
    .map(({ item }) => item);
}
