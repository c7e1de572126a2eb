import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { askControlPort, ControlPort } from '../../scripts/launcher/control-port.ts';
import {
  type Holder,
  lockPath,
  makeNonce,
  readLock,
  releaseLock,
  rewriteLock,
  takeLock,
} from '../../scripts/launcher/one-instance-lock.ts';
import { freePort } from '../support/free-port.ts';
import { tempFolder } from '../support/temp-folder.ts';

const ADDRESS = 'http://127.0.0.1:7433';

async function livingHolder(onStop: () => void = () => undefined): Promise<Holder> {
  const nonce = makeNonce();
  const control = await ControlPort.open({ nonce, address: () => ADDRESS, onStop, onRestartServer: () => undefined });
  onTestFinished(() => control.close());
  return { pid: process.pid, address: ADDRESS, controlPort: control.port, nonce };
}

async function deadHolder(pid = 999_999_999): Promise<Holder> {
  return { pid, address: ADDRESS, controlPort: await freePort(), nonce: makeNonce() };
}

function leaveLock(path: string, holder: Holder): void {
  writeFileSync(path, JSON.stringify(holder), { mode: 0o600 });
}

describe('the lock on a data folder', () => {
  test('is private, whole, and goes away when it is given back', async () => {
    const folder = tempFolder();
    const path = lockPath(folder);
    const mine = await livingHolder();
    expect(await takeLock(path, mine)).toEqual({ kind: 'taken' });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(mine);
    rewriteLock(path, { ...mine, address: 'http://127.0.0.1:1' });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    releaseLock(path, mine.nonce);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is refused while its holder lives, and says where that one is', async () => {
    const path = lockPath(tempFolder());
    const first = await livingHolder();
    await takeLock(path, first);
    const outcome = await takeLock(path, await livingHolder());
    expect(outcome).toEqual({ kind: 'held', holder: first, address: ADDRESS });
    expect(readLock(path)).toEqual({ kind: 'holder', holder: first });
  });

  test('is only given back by the one who holds it', async () => {
    const path = lockPath(tempFolder());
    const first = await livingHolder();
    await takeLock(path, first);
    releaseLock(path, makeNonce());
    expect(readLock(path).kind).toBe('holder');
  });

  test('passes on from a dead holder', async () => {
    const folder = tempFolder();
    leaveLock(lockPath(folder), await deadHolder());
    const mine = await livingHolder();
    expect(await takeLock(lockPath(folder), mine)).toEqual({ kind: 'taken' });
    expect(readLock(lockPath(folder))).toEqual({ kind: 'holder', holder: mine });
    expect(readdirSync(folder)).toEqual(['daena.lock']);
  });

  test('passes on although another process got the dead one’s id', async () => {
    const path = lockPath(tempFolder());
    leaveLock(path, await deadHolder(process.pid));
    expect(await takeLock(path, await livingHolder())).toEqual({ kind: 'taken' });
  });

  test('passes on although a stranger, or another office, got its port', async () => {
    const echo = createServer((socket) => socket.pipe(socket));
    const port = await new Promise<number>((resolve) => {
      echo.listen(0, '127.0.0.1', () => {
        const address = echo.address();
        resolve(address !== null && typeof address === 'object' ? address.port : 0);
      });
    });
    onTestFinished(() => void echo.close());
    const other = await livingHolder();
    for (const controlPort of [port, other.controlPort]) {
      const path = lockPath(tempFolder());
      leaveLock(path, { ...(await deadHolder(process.pid)), controlPort });
      expect(await takeLock(path, await livingHolder())).toEqual({ kind: 'taken' });
    }
  });

  test('stays with a process that lives and says nothing', async () => {
    const mute = createServer(() => undefined);
    const port = await new Promise<number>((resolve) => {
      mute.listen(0, '127.0.0.1', () => {
        const address = mute.address();
        resolve(address !== null && typeof address === 'object' ? address.port : 0);
      });
    });
    onTestFinished(() => void mute.close());
    const path = lockPath(tempFolder());
    const holder = { ...(await deadHolder(process.pid)), controlPort: port };
    leaveLock(path, holder);
    expect(await takeLock(path, await livingHolder())).toEqual({ kind: 'silent', holder });
  });

  test('passes on where a starter died while it replaced a dead holder', async () => {
    const folder = tempFolder();
    const path = lockPath(folder);
    const dead = await deadHolder();
    leaveLock(path, dead);
    leaveLock(`${path}.after-${dead.nonce}`, await deadHolder());
    const mine = await livingHolder();
    expect(await takeLock(path, mine)).toEqual({ kind: 'taken' });
    expect(readdirSync(folder)).toEqual(['daena.lock']);
  });

  test.each([0, 1, 2])('goes to exactly one of eight who start at once, %s dead holders before them', async (dead) => {
    const path = lockPath(tempFolder());
    const gone = await Promise.all([deadHolder(), deadHolder()]);
    if (dead > 0) leaveLock(path, gone[0]);
    if (dead > 1) leaveLock(`${path}.after-${gone[0].nonce}`, gone[1]);
    const starters = await Promise.all(Array.from({ length: 8 }, () => livingHolder()));
    const outcomes = await Promise.all(starters.map((mine) => takeLock(path, mine)));
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual([...Array(7).fill('held'), 'taken']);
    const winner = starters[outcomes.findIndex(({ kind }) => kind === 'taken')];
    expect(readLock(path)).toEqual({ kind: 'holder', holder: winner });
  });

  test('that cannot be read is not taken', async () => {
    const path = lockPath(tempFolder());
    writeFileSync(path, '{"pid": 1');
    expect(await takeLock(path, await livingHolder())).toEqual({ kind: 'unreadable', path });
  });
});

describe('the control port', () => {
  test('stops the office only for one who knows the nonce', async () => {
    let stops = 0;
    const holder = await livingHolder(() => {
      stops += 1;
    });
    const question = { port: holder.controlPort, command: 'stop', timeoutMs: 5_000 } as const;
    expect(await askControlPort({ ...question, nonce: makeNonce() })).toEqual({ kind: 'gone' });
    expect(stops).toBe(0);
    expect(await askControlPort({ ...question, nonce: holder.nonce })).toEqual({ kind: 'answered', address: ADDRESS });
    expect(stops).toBe(1);
  });
});
