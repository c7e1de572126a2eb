/** Making a backup may take this long, in ms. */
export const BACKUP_MAX_MS = 30 * 60_000;
