/** What a program that the launcher started says over IPC. */
export type ProgramMessage =
  | Readonly<{ type: 'ready'; address: string | null; internalUrl: string | null; ownerLink: string | null }>
  /** The answer to a request for a backup. */
  | Readonly<{ type: 'backup'; request: string; outcome: BackupOutcome }>
  /** One sentence for the user; the program then ends and must not be restarted. */
  | Readonly<{ type: 'fatal'; message: string }>;

/** The folder of a whole backup, or the sentence that says why there is none. */
export type BackupOutcome = Readonly<{ kind: 'made'; folder: string }> | Readonly<{ kind: 'failed'; problem: string }>;

/** The exit code of a program that is not to be restarted (EX_CONFIG of sysexits.h). */
export const FATAL_EXIT_CODE = 78;

/** Null for anything that is no such message. */
export function readProgramMessage(value: unknown): ProgramMessage | null {
  if (typeof value !== 'object' || value === null || !('type' in value)) return null;
  switch (value.type) {
    case 'ready':
      return {
        type: 'ready',
        address: textOf(value, 'address'),
        internalUrl: textOf(value, 'internalUrl'),
        ownerLink: textOf(value, 'ownerLink'),
      };
    case 'fatal':
      return { type: 'fatal', message: textOf(value, 'message') ?? 'It did not say why.' };
    case 'backup':
      return {
        type: 'backup',
        request: textOf(value, 'request') ?? '',
        outcome: backupOutcomeOf(textOf(value, 'folder'), textOf(value, 'problem')),
      };
    default:
      return null;
  }
}

/** What two fields of an answer say, of which one is set. */
export function backupOutcomeOf(folder: string | null, problem: string | null): BackupOutcome {
  return folder === null
    ? { kind: 'failed', problem: problem ?? 'The server did not say why.' }
    : { kind: 'made', folder };
}

function textOf(value: object, name: string): string | null {
  const field: unknown = Object.entries(value).find(([key]) => key === name)?.[1];
  return typeof field === 'string' ? field : null;
}
