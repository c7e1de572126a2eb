// Fails where a rule of SPEC.md has no test, where a test carries the id of no rule, and where the table of routes is not
// the protocol's.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ROUTES } from '../sync-server/protocol/api.ts';

const root = resolve(import.meta.dirname, '..');
const spec = readFileSync(join(root, 'sync-server/protocol/SPEC.md'), 'utf8');

/** A rule's line begins `- **GA3** ...`. */
const RULE = /^- \*\*([A-Z]{2,3}\d+)\*\* /gm;
/** A row of the routes begins `| GET | /livez |`. */
const ROUTE_ROW = /^\| ([A-Z]+) +\| `([^`]+)` +\| ([a-z-]+) +\|/gm;
/** What begins a test's title; the rest of the title follows. */
const TITLE = /\b(?:test|it)(?:\.\w+)*(?:\([^()]*\))?\(\s*(['"`])((?:\[[A-Z]{2,3}\d+\] ?)+)/g;

const problems: string[] = [];

function note<T>(values: readonly T[], problem: (value: T) => string): void {
  for (const value of values) problems.push(problem(value));
}

const rules = [...spec.matchAll(RULE)].map(([, id = '']) => id);
const twice = rules.filter((id, index) => rules.indexOf(id) !== index);

const proved = new Map<string, string>();
for (const path of readdirSync(join(root, 'tests'), { recursive: true, encoding: 'utf8' })) {
  if (!path.endsWith('.test.ts')) continue;
  const text = readFileSync(join(root, 'tests', path), 'utf8');
  for (const [, , ids = ''] of text.matchAll(TITLE)) {
    for (const [, id = ''] of ids.matchAll(/\[([A-Z]{2,3}\d+)\]/g)) proved.set(id, path);
  }
}

const routes = Object.values(ROUTES).map(({ method, path, access }) => `${method} ${path} ${access}`);
const rows = [...spec.matchAll(ROUTE_ROW)].map(([, method, path, access]) => `${method} ${path} ${access}`);

note(twice, (id) => `SPEC.md has the rule ${id} twice`);
note(
  rules.filter((id) => !proved.has(id)),
  (id) => `no test carries [${id}]`,
);
note(
  [...proved].filter(([id]) => !rules.includes(id)),
  ([id, path]) => `tests/${path} carries [${id}], and SPEC.md has no such rule`,
);
note(
  routes.filter((route) => !rows.includes(route)),
  (route) => `SPEC.md's table lacks the route: ${route}`,
);
note(
  rows.filter((row) => !routes.includes(row)),
  (row) => `SPEC.md's table has a route that is none: ${row}`,
);

for (const problem of problems) process.stdout.write(`${problem}\n`);
if (problems.length === 0) process.stdout.write(`${rules.length} rules, each with a test; ${routes.length} routes\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
