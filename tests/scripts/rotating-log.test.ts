import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RotatingLog } from '../../scripts/launcher/rotating-log.ts';
import { tempFolder } from '../support/temp-folder.ts';

const limits = { sizeBytes: 20, oldFiles: 2 };

test('a log is rotated when it is full, and the oldest file goes', () => {
  const folder = tempFolder();
  const path = join(folder, 'server.log');
  const log = new RotatingLog(path, () => undefined, limits);
  for (const line of ['first line 12345\n', 'second line 1234\n', 'third line 12345\n', 'fourth line 1234\n']) {
    log.write(Buffer.from(line));
  }
  log.close();
  expect(readdirSync(folder).sort()).toEqual(['server.log', 'server.log.1', 'server.log.2']);
  expect(readFileSync(path, 'utf8')).toBe('fourth line 1234\n');
  expect(readFileSync(`${path}.2`, 'utf8')).toBe('second line 1234\n');
});

test('a log that is opened again goes on where it was, within the same bound', () => {
  const path = join(tempFolder(), 'server.log');
  const before = new RotatingLog(path, () => undefined, limits);
  before.write(Buffer.from('0123456789'));
  before.close();
  const after = new RotatingLog(path, () => undefined, limits);
  after.write(Buffer.from('abcdefghij'));
  expect(readFileSync(path, 'utf8')).toBe('0123456789abcdefghij');
  after.write(Buffer.from('!'));
  after.close();
  expect(readFileSync(path, 'utf8')).toBe('!');
});

test('a write that fails is told once and throws nothing', () => {
  const troubles: string[] = [];
  const log = new RotatingLog('/dev/full', (reason) => troubles.push(reason), limits);
  log.write(Buffer.from('a'));
  log.write(Buffer.from('b'));
  expect(troubles).toHaveLength(1);
  expect(troubles[0]).toContain('ENOSPC');
});
