/**
 * Entries: the immutable JSON records that a session's log is made of. A key is set once and its value never changes;
 * whatever seems to change (an edit, a reaction, a new title) is a further entry that refers to an earlier one, and
 * `fold` turns the entries into what people see.
 */
import { z } from 'zod';
import { isEntryId } from './ids.ts';
import { scopeSchema } from './scope.ts';

/** JSON bytes (UTF-8) that one entry may take. */
export const MAX_ENTRY_BYTES = 64 * 1024;
/** Characters of a message or reply; leaves room for the rest of the entry whatever the script (3 bytes each at most in the BMP). */
export const MAX_BODY_CHARS = 20_000;
/** How far ahead of the office's clock an entry may claim to be, in ms. Further ahead it is refused with code `clock`. */
export const MAX_AHEAD_MS = 2 * 60_000;

/** The author of what the server itself writes. */
export const OFFICE_AUTHOR = 'office';

const entryIdSchema = z.string().refine(isEntryId, 'not an entry id');
const common = { id: entryIdSchema, author: z.string().min(1).max(120), at: z.int().nonnegative() };

/** Whom a message addresses. `all` asks the whole department (or everyone mentioned-able in the session). */
export const mentionSchema = z.strictObject({
  type: z.enum(['agent', 'department', 'person', 'all']),
  id: z.string().min(1).max(120),
});
export type Mention = z.infer<typeof mentionSchema>;

const bodySchema = z.string().max(MAX_BODY_CHARS);
const mentionsSchema = z.array(mentionSchema).max(50);
export const titleSchema = z.string().trim().min(1).max(120);
export const presetSchema = z.enum(['quick', 'standard']);
export type Preset = z.infer<typeof presetSchema>;
export const topicSchema = z.string().trim().min(1).max(4_000);

/** What a person writes. */
export const personEntrySchema = z.discriminatedUnion('kind', [
  /** A message: Markdown and structured mentions. */
  z.strictObject({
    ...common,
    kind: z.literal('message'),
    body: bodySchema.refine((body) => body.trim() !== '', 'empty'),
    mentions: mentionsSchema,
    replyTo: entryIdSchema.optional(),
  }),
  /** Replaces the text of the author's own message. */
  z.strictObject({
    ...common,
    kind: z.literal('edit'),
    target: entryIdSchema,
    body: bodySchema,
    mentions: mentionsSchema,
  }),
  /** Takes a message or reply back; its text is no longer shown. */
  z.strictObject({ ...common, kind: z.literal('retract'), target: entryIdSchema }),
  /** Adds (`on`) or removes a reaction. */
  z.strictObject({
    ...common,
    kind: z.literal('react'),
    target: entryIdSchema,
    emoji: z.string().min(1).max(16),
    on: z.boolean(),
  }),
  z.strictObject({ ...common, kind: z.literal('title'), title: titleSchema }),
  /** Stops one attempt of a turn, if that is not yet final. `turn` is the id of the turn's reply. */
  z.strictObject({ ...common, kind: z.literal('stop'), turn: entryIdSchema, attempt: z.int().positive() }),
  /** Asks for another version of a reply. */
  z.strictObject({ ...common, kind: z.literal('again'), target: entryIdSchema }),
  /** Starts a council's debate in a session of that council. `seats` are the seats that take part. */
  z.strictObject({
    ...common,
    kind: z.literal('debate'),
    topic: topicSchema,
    preset: presetSchema,
    seats: z.array(z.string().min(1).max(60)).min(2).max(12),
  }),
  /** Ends the running phase of a debate: the chair synthesises what is there. */
  z.strictObject({ ...common, kind: z.literal('synthesize'), debate: entryIdSchema }),
]);
export type PersonEntry = z.infer<typeof personEntrySchema>;

/** Ids that one `arrived` entry names at most: what more arrives at once goes into another. */
export const MAX_ARRIVED_IDS = 400;

/** What the server writes, as author `office`. */
export const officeEntrySchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...common,
    kind: z.literal('created'),
    scope: scopeSchema,
    owner: z.string(),
    title: titleSchema,
    isPrivate: z.boolean(),
  }),
  z.strictObject({ ...common, kind: z.literal('binned'), by: z.string() }),
  z.strictObject({ ...common, kind: z.literal('restored'), by: z.string() }),
  /** A line from the office itself, such as a welcome. */
  z.strictObject({ ...common, kind: z.literal('notice'), body: bodySchema }),
  /** Ends its segment: who has seen it writes in segment `next` from there on. */
  z.strictObject({ ...common, kind: z.literal('sealed'), next: z.int().min(2) }),
  /** Names entries that came long after they were written, or into a segment that had ended. */
  z.strictObject({
    ...common,
    kind: z.literal('arrived'),
    ids: z.array(entryIdSchema).min(1).max(MAX_ARRIVED_IDS),
  }),
]);
export type OfficeEntry = z.infer<typeof officeEntrySchema>;

/** What a turn was for. `answer` speaks to the person; the others are material for the answer that follows them. */
export const stepSchema = z.enum(['answer', 'note', 'position', 'synthesis', 'dissent']);
export type Step = z.infer<typeof stepSchema>;

/** What the model measured. Times in ms. */
export const measuresSchema = z.strictObject({
  promptTokens: z.int().nonnegative(),
  outputTokens: z.int().nonnegative(),
  loadMs: z.number().nonnegative(),
  promptMs: z.number().nonnegative(),
  outputMs: z.number().nonnegative(),
  totalMs: z.number().nonnegative(),
});
export type Measures = z.infer<typeof measuresSchema>;

/** What the agent was given: the entries in its prompt, how many older ones did not fit, and the window in tokens. */
export const sawSchema = z.strictObject({
  entries: z.array(entryIdSchema).max(400),
  leftOut: z.int().nonnegative(),
  contextTokens: z.int().nonnegative(),
});

/**
 * The end of a turn, whatever it was: an answer, a stop with the text so far, or a failure with its reason.
 * The id is derived from (cause, agent, step), so a turn can have one reply only. Author = the agent.
 */
export const replyEntrySchema = z.strictObject({
  ...common,
  kind: z.literal('reply'),
  cause: entryIdSchema,
  step: stepSchema,
  attempt: z.int().positive(),
  outcome: z.enum(['done', 'stopped', 'failed']),
  body: z.string().max(MAX_BODY_CHARS),
  thinking: z.string().max(MAX_BODY_CHARS).optional(),
  /** The person who stopped it. */
  by: z.string().optional(),
  error: z.strictObject({ code: z.string(), message: z.string() }).optional(),
  /** The answer was cut at the model's length limit. */
  isCut: z.boolean().optional(),
  model: z.string().optional(),
  /** Said by the rehearsal model: labelled everywhere, and kept out of a real model's context. */
  isRehearsed: z.boolean().optional(),
  measures: measuresSchema.optional(),
  saw: sawSchema.optional(),
});
export type ReplyEntry = z.infer<typeof replyEntrySchema>;

export type Entry = PersonEntry | OfficeEntry | ReplyEntry;

const entrySchema = z.union([personEntrySchema, officeEntrySchema, replyEntrySchema]);

/** An entry as a document holds it, or null where the value is none of ours (a newer office's kind, for one). */
export function readEntry(value: unknown): Entry | null {
  const parsed = entrySchema.safeParse(value);
  return parsed.success ? parsed.data : null;
}

/** What says where an entry stands. */
interface PlaceInSession {
  readonly at: number;
  readonly id: string;
}

/** The order of a session: by time, then id; total, and the same everywhere. */
export function compareEntries(a: PlaceInSession, b: PlaceInSession): number {
  return a.at - b.at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** The time a new entry carries: never before what its author has seen. All in ms. */
export const nextAt = (officeNowMs: number, newestAtMs: number): number =>
  Math.max(Math.floor(officeNowMs), newestAtMs + 1);
