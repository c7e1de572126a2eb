import { expect, onTestFinished, test } from 'vitest';
import { askForBackup, type BackupOrder, ControlPort } from '../../scripts/launcher/control-port.ts';
import { makeNonce } from '../../scripts/launcher/one-instance-lock.ts';

test('a backup is made for who knows the nonce, and for nobody else', async () => {
  const orders: BackupOrder[] = [];
  const nonce = makeNonce();
  const control = await ControlPort.open({
    nonce,
    address: () => 'http://127.0.0.1:7433',
    onStop: () => undefined,
    onRestartServer: () => undefined,
    onBackup: async (order) => {
      orders.push(order);
      return order.keep > 1 ? { kind: 'made', folder: `${order.into}/one` } : { kind: 'failed', problem: 'No room.' };
    },
  });
  onTestFinished(() => control.close());
  const ask = (over: Partial<BackupOrder & { nonce: string }>) =>
    askForBackup({ port: control.port, nonce, into: '/backups', keep: 2, ...over });
  expect(await ask({})).toEqual({ kind: 'answered', outcome: { kind: 'made', folder: '/backups/one' } });
  expect(await ask({ keep: 1 })).toEqual({ kind: 'answered', outcome: { kind: 'failed', problem: 'No room.' } });
  expect(await ask({ nonce: makeNonce() })).toEqual({ kind: 'gone' });
  expect(orders).toEqual([
    { into: '/backups', keep: 2 },
    { into: '/backups', keep: 1 },
  ]);
});
