import { expect, test } from 'vitest';
import { z } from 'zod';
import { schemaValue, UnusableSchema } from '../../../agents/rehearsal/schema-value.ts';

const SENTENCE = 'Rehearsal: The Oracle on “Should we move?”';

type Tree = { name: string; children: Tree[] };
const tree: z.ZodType<Tree> = z.lazy(() => z.strictObject({ name: z.string(), children: z.array(tree) }));

const claim = z.strictObject({
  id: z.string().regex(/^c[0-9]{1,2}$/),
  text: z.string().min(10).max(80),
  evidence: z.union([z.string(), z.literal('assumption')]),
});

const SCHEMAS: Record<string, z.ZodType> = {
  position: z.strictObject({
    stance: z.enum(['for', 'against', 'neither']),
    claims: z.array(claim).min(3).max(6),
    risk: z.string(),
    confidence: z.number().min(0).max(1),
    selfCheck: z.string().nullable(),
    note: z.string().optional(),
  }),
  whole: z.strictObject({
    a: z.int().min(3).max(3),
    b: z.int().gt(4).lt(6),
    c: z.number().multipleOf(0.5).max(2),
    d: z.int(),
  }),
  choice: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('a'), n: z.int() }),
    z.strictObject({ kind: z.literal('b'), s: z.string() }),
  ]),
  tuple: z.tuple([z.string(), z.boolean(), z.null()]),
  patterns: z.strictObject({
    label: z.string().regex(/^[A-F]$/),
    id: z.string().regex(/^r_[a-z0-9]{26}$/),
    either: z.string().regex(/^(yes|no)$/),
    word: z.string().regex(/^\w+-\d{4}$/),
    none: z.string().regex(/^a{0}b?c+$/),
  }),
  formats: z.strictObject({ at: z.iso.datetime(), day: z.iso.date(), mail: z.email(), link: z.url(), id: z.uuid() }),
  short: z.string().max(5),
  long: z.string().min(1000),
  record: z.record(z.string(), z.int()),
  recursive: tree,
};

test.each(Object.entries(SCHEMAS))('the value for %s is valid, and the same each time', (_name, schema) => {
  const jsonSchema = z.toJSONSchema(schema);
  const value = schemaValue(jsonSchema, SENTENCE);
  expect(() => schema.parse(value)).not.toThrow();
  expect(schemaValue(structuredClone(jsonSchema), SENTENCE)).toEqual(value);
});

test('a ballot is a permutation of the labels, and differs between voters', () => {
  const ballot = (sentence: string) =>
    schemaValue(
      { type: 'array', items: { enum: ['A', 'B', 'C', 'D', 'E'] }, minItems: 5, maxItems: 5, uniqueItems: true },
      sentence,
    );
  const ballots = ['one', 'two', 'three', 'four', 'five'].map(ballot);
  for (const order of ballots) expect(z.array(z.string()).parse(order).toSorted()).toEqual(['A', 'B', 'C', 'D', 'E']);
  expect(new Set(ballots.map(String)).size).toBeGreaterThan(1);
});

test('whole numbers that must not repeat do not', () => {
  const ranks = z.array(z.int()).parse(
    schemaValue(
      {
        type: 'array',
        items: { type: 'integer', minimum: 1, maximum: 4 },
        minItems: 4,
        maxItems: 4,
        uniqueItems: true,
      },
      SENTENCE,
    ),
  );
  expect(ranks.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4]);
});

test('references and allOf are followed', () => {
  const schema = {
    $defs: { named: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } },
    allOf: [{ $ref: '#/$defs/named' }, { properties: { age: { type: 'integer', minimum: 1 } }, required: ['age'] }],
  };
  expect(
    z.strictObject({ name: z.string(), age: z.int().min(1) }).safeParse(schemaValue(schema, SENTENCE)).success,
  ).toBe(true);
});

test.each([
  { $ref: '#' },
  { $ref: 'https://example.org/schema' },
  { enum: [] },
  { type: 'string', pattern: '(?=x)y' },
  { type: 'object', properties: { self: { $ref: '#' } }, required: ['self'] },
])('%j has no value and says so', (schema) => {
  expect(() => schemaValue(schema, SENTENCE)).toThrow(UnusableSchema);
});
