/**
 * What a backup says of itself. The manifest is the last file written into a backup: without one, or with one that does
 * not fit the files beside it, a folder is no backup.
 *
 *     <folder>/daena-20260131-235959-999/
 *         manifest.json     version, time, epoch, and of every other file its size and SHA-256
 *         daena.sqlite      first
 *         log/              then: never older than the database
 *         auth.secret  worker.token  server.env  agents.env
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { OfficeError } from '../../sync-server/protocol/errors.ts';

export const MANIFEST = 'manifest.json';
export const DATABASE = 'daena.sqlite';
export const LOG = 'log';
/** Files of the data folder that a backup holds beside database and log, where they are there; for their owner only. */
export const OWN_FILES = ['auth.secret', 'worker.token', 'server.env', 'agents.env'] as const;
const FORMAT = 1;

const fileSchema = z.strictObject({
  // Only names that a backup can hold: what is restored stays inside its folder.
  path: z.string().regex(/^(log\/)?[A-Za-z0-9][A-Za-z0-9._-]*$/),
  sizeBytes: z.int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
type BackupFile = z.infer<typeof fileSchema>;

const manifestSchema = z.strictObject({
  format: z.literal(FORMAT),
  /** Of the Daena that made it. */
  version: z.string(),
  madeAt: z.iso.datetime(),
  epoch: z.string().min(1),
  files: z.array(fileSchema),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** Every file of an unfinished backup, synced to the disk and hashed, by path. */
export async function describeFiles(folder: string): Promise<readonly BackupFile[]> {
  const files: BackupFile[] = [];
  for (const path of await pathsIn(folder)) {
    const file = join(folder, path);
    await syncToDisk(file);
    files.push({ path, sizeBytes: (await stat(file)).size, sha256: await hashOf(file) });
  }
  return files;
}

export async function writeManifest(folder: string, manifest: Omit<Manifest, 'format'>): Promise<void> {
  const file = await open(join(folder, MANIFEST), 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify({ format: FORMAT, ...manifest }, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A backup's manifest; null where the folder holds none that can be read. */
export async function readManifest(folder: string): Promise<Manifest | null> {
  try {
    return manifestSchema.parse(JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')));
  } catch {
    // Missing, cut off or of another program: in each case there is no backup here.
    return null;
  }
}

/** The manifest of a backup whose files are exactly what it says. Rejects with `conflict` and a sentence otherwise. */
export async function verifyBackup(folder: string): Promise<Manifest> {
  const manifest = await readManifest(folder);
  if (!manifest) throw new OfficeError('conflict', `${folder} is no finished backup: it has no readable ${MANIFEST}.`);
  const found = new Set(await pathsIn(folder).catch(() => []));
  for (const { path, sizeBytes, sha256 } of manifest.files) {
    if (!found.delete(path)) throw new OfficeError('conflict', `The backup ${folder} lacks ${path}.`);
    const file = join(folder, path);
    if ((await stat(file)).size !== sizeBytes || (await hashOf(file)) !== sha256)
      throw new OfficeError('conflict', `The backup ${folder} is not as it was made: ${path} was changed.`);
  }
  const [foreign] = found;
  if (foreign !== undefined)
    throw new OfficeError('conflict', `The backup ${folder} is not as it was made: ${foreign} was added.`);
  for (const needed of [DATABASE, `${LOG}/CURRENT`]) {
    if (!manifest.files.some(({ path }) => path === needed))
      throw new OfficeError('conflict', `The backup ${folder} lacks ${needed}.`);
  }
  return manifest;
}

/** Syncs a file, or a folder's names, to the disk. */
export async function syncToDisk(path: string): Promise<void> {
  const isFolder = (await stat(path)).isDirectory();
  // Windows can sync no folder; there a rename is durable by itself.
  if (isFolder && process.platform === 'win32') return;
  const handle = await open(path, isFolder ? 'r' : 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The files in a backup but its manifest, with `/` between folder and name, sorted. */
async function pathsIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    )
    .filter((path) => path !== MANIFEST)
    .sort();
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}
