import { patternValue } from './pattern-value.ts';
import { clip } from './prompt-reading.ts';
import { hashText } from './script.ts';

/** Deeper than this a schema is taken for endless. */
const MAX_SCHEMA_DEPTH = 24;
/** Optional properties are left out below this depth, so that recursive schemas end. */
const OPTIONAL_DEPTH = 5;
const USUAL_ITEMS = 3;
const MAX_ITEMS = 50;
const DEFAULT_TEXT_CHARS = 200;

type Schema = { readonly [keyword: string]: unknown };

export class UnusableSchema extends Error {}

/**
 * A JSON value that is valid for a JSON schema, made from the schema and a sentence alone: the same two give the same
 * value. Lists of enum values never repeat one (a ballot is a permutation). Throws UnusableSchema where it knows no value.
 */
export function schemaValue(schema: Schema, sentence: string): unknown {
  return valueAt(schema, { root: schema, sentence, path: '$', depth: 0 });
}

type Place = { readonly root: Schema; readonly sentence: string; readonly path: string; readonly depth: number };

function valueAt(given: unknown, place: Place): unknown {
  if (given === true) return place.sentence;
  if (!isSchema(given) || place.depth > MAX_SCHEMA_DEPTH) throw new UnusableSchema(`no value for ${place.path}`);
  const schema = merged(given, place);
  if ('const' in schema) return schema.const;
  if (Array.isArray(schema.enum)) return pickFrom(schema.enum, place);

  const branches = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(branches)) {
    const { anyOf: _any, oneOf: _one, ...rest } = schema;
    return branchValue(branches, rest, place);
  }
  switch (typeOf(schema)) {
    case 'object':
      return objectValue(schema, place);
    case 'array':
      return arrayValue(schema, place);
    case 'integer':
      return numberValue(schema, place, true);
    case 'number':
      return numberValue(schema, place, false);
    case 'boolean':
      return seedOf(place) % 2 === 0;
    case 'null':
      return null;
    default:
      return stringValue(schema, place);
  }
}

/** Follows `$ref` and folds `allOf` into one schema. */
function merged(schema: Schema, place: Place): Schema {
  let result = schema;
  for (let step = 0; typeof result.$ref === 'string'; step += 1) {
    if (step > MAX_SCHEMA_DEPTH) throw new UnusableSchema(`${place.path} refers to itself`);
    const { $ref, ...rest } = result;
    result = { ...resolve(place.root, String($ref)), ...rest };
  }
  if (!Array.isArray(result.allOf)) return result;
  const { allOf, ...own } = result;
  const parts = [
    own,
    ...asList(allOf)
      .filter(isSchema)
      .map((part) => merged(part, place)),
  ];
  return {
    ...Object.assign({}, ...parts),
    properties: Object.assign({}, ...parts.map((part) => asSchema(part.properties))),
    required: parts.flatMap((part) => asList(part.required)),
  };
}

function resolve(root: Schema, ref: string): Schema {
  if (!ref.startsWith('#')) throw new UnusableSchema(`${ref} lies outside the schema`);
  let at: unknown = root;
  for (const part of ref.slice(1).split('/').filter(Boolean)) {
    at = asSchema(at)[decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  if (!isSchema(at)) throw new UnusableSchema(`${ref} leads nowhere`);
  return at;
}

/** Deep down the simplest branch that has a value; above, the first. */
function branchValue(branches: readonly unknown[], rest: Schema, place: Place): unknown {
  const ordered = place.depth < OPTIONAL_DEPTH ? branches : [...branches].sort((a, b) => weight(a) - weight(b));
  for (const branch of ordered) {
    if (!isSchema(branch)) continue;
    try {
      return valueAt({ ...rest, ...branch }, deeper(place, ''));
    } catch (error) {
      if (!(error instanceof UnusableSchema)) throw error;
    }
  }
  throw new UnusableSchema(`no branch of ${place.path} has a value`);
}

function weight(branch: unknown): number {
  return asSchema(branch).type === 'null' ? 0 : JSON.stringify(branch).length;
}

function objectValue(schema: Schema, place: Place): unknown {
  const properties = asSchema(schema.properties);
  const required = new Set(asList(schema.required).map(String));
  const entries: [string, unknown][] = [];
  for (const [name, property] of Object.entries(properties)) {
    if (!required.has(name) && place.depth >= OPTIONAL_DEPTH) continue;
    entries.push([name, valueAt(property, deeper(place, `.${name}`))]);
  }
  for (const name of required) {
    if (name in properties) continue;
    const open = schema.additionalProperties;
    entries.push([name, valueAt(isSchema(open) ? open : true, deeper(place, `.${name}`))]);
  }
  return Object.fromEntries(entries);
}

function arrayValue(schema: Schema, place: Place): unknown[] {
  const prefix = asList(schema.prefixItems).map((item, index) => valueAt(item, deeper(place, `[${index}]`)));
  const atLeast = numberOr(schema.minItems, 0);
  const atMost = Math.min(numberOr(schema.maxItems, MAX_ITEMS), Math.max(MAX_ITEMS, atLeast));
  const usual = place.depth >= OPTIONAL_DEPTH ? atLeast : Math.max(atLeast, USUAL_ITEMS);
  if (schema.items === false || (prefix.length > 0 && schema.items === undefined)) return prefix.slice(0, atMost);

  const choices = isSchema(schema.items) ? choicesOf(merged(schema.items, place), schema.uniqueItems === true) : [];
  if (choices.length > 0) {
    const count = Math.min(atMost, Math.max(atLeast, choices.length));
    const order = permutation(choices, seedOf(place));
    return Array.from({ length: count }, (_, index) => order[index % order.length]);
  }
  const count = Math.min(atMost, usual) - prefix.length;
  const rest = Array.from({ length: Math.max(0, count) }, (_, index) =>
    valueAt(schema.items ?? true, deeper(place, `[${prefix.length + index}]`)),
  );
  return [...prefix, ...rest];
}

/** The values that must not repeat: an enum's, or a short range of whole numbers where the list forbids repetition. */
function choicesOf(items: Schema, isUnique: boolean): readonly unknown[] {
  if (Array.isArray(items.enum)) return items.enum;
  const { minimum, maximum } = items;
  if (!isUnique || items.type !== 'integer' || typeof minimum !== 'number' || typeof maximum !== 'number') return [];
  return Array.from({ length: Math.min(MAX_ITEMS, maximum - minimum + 1) }, (_, index) => minimum + index);
}

function numberValue(schema: Schema, place: Place, isInteger: boolean): number {
  const step = typeof schema.multipleOf === 'number' ? schema.multipleOf : isInteger ? 1 : 0.01;
  const above = typeof schema.exclusiveMinimum === 'number' ? schema.exclusiveMinimum + step : undefined;
  const below = typeof schema.exclusiveMaximum === 'number' ? schema.exclusiveMaximum - step : undefined;
  const low = Math.max(numberOr(schema.minimum, Number.NEGATIVE_INFINITY), above ?? Number.NEGATIVE_INFINITY);
  const high = Math.min(numberOr(schema.maximum, Number.POSITIVE_INFINITY), below ?? Number.POSITIVE_INFINITY);
  const from = Number.isFinite(low) ? low : Number.isFinite(high) ? high - 10 * step : 0;
  const to = Number.isFinite(high) ? high : from + 10 * step;

  const first = Math.ceil(round(from / step));
  const last = Math.floor(round(to / step));
  if (last < first) {
    if (isInteger || schema.multipleOf !== undefined) throw new UnusableSchema(`no number fits ${place.path}`);
    return (from + to) / 2;
  }
  return round((first + (seedOf(place) % (last - first + 1))) * step);
}

function stringValue(schema: Schema, place: Place): string {
  const shortest = numberOr(schema.minLength, 0);
  const longest = numberOr(schema.maxLength, Math.max(DEFAULT_TEXT_CHARS, shortest));
  if (typeof schema.pattern === 'string') {
    const text = patternValue(schema.pattern, seedOf(place));
    if (text === null || text.length < shortest || text.length > longest) {
      throw new UnusableSchema(`no text fits the pattern of ${place.path}`);
    }
    return text;
  }
  const formatted = typeof schema.format === 'string' ? FORMATS[schema.format] : undefined;
  if (formatted !== undefined) return formatted;
  const text = clip(`${place.sentence} (${place.path.replace(/^\$\.?/, '') || 'text'})`, longest);
  return text.padEnd(shortest, '.');
}

const FORMATS: Readonly<Record<string, string>> = {
  'date-time': '2026-01-01T00:00:00.000Z',
  date: '2026-01-01',
  time: '00:00:00Z',
  email: 'rehearsal@example.org',
  uri: 'https://example.org/rehearsal',
  url: 'https://example.org/rehearsal',
  uuid: '00000000-0000-4000-8000-000000000000',
};

function typeOf(schema: Schema): unknown {
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type !== undefined) return type;
  if ('properties' in schema || 'required' in schema) return 'object';
  return 'items' in schema || 'prefixItems' in schema ? 'array' : 'string';
}

function permutation(choices: readonly unknown[], seed: number): unknown[] {
  const left = [...choices];
  const order: unknown[] = [];
  for (let rest = seed; left.length > 0; rest = hashText(String(rest))) {
    order.push(...left.splice(rest % left.length, 1));
  }
  return order;
}

function pickFrom(choices: readonly unknown[], place: Place): unknown {
  if (choices.length === 0) throw new UnusableSchema(`${place.path} allows nothing`);
  return choices[seedOf(place) % choices.length];
}

function seedOf(place: Place): number {
  return hashText(`${place.path}\n${place.sentence}`);
}

function deeper(place: Place, step: string): Place {
  return { ...place, path: place.path + step, depth: place.depth + 1 };
}

/** Takes away what floating point adds: 0.30000000000000004. */
function round(value: number): number {
  return Number(value.toFixed(9));
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function asSchema(value: unknown): Schema {
  return isSchema(value) ? value : {};
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
