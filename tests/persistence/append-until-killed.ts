/**
 * A process for the tests to kill: appends records of two documents without end and prints `<document> <clock>` for each
 * that the log acknowledged; `failed <code>` where it refused, after which it reopens the document and goes on.
 */
import { openLevelUpdateLog } from '../../persistence/log/level-update-log.ts';
import { OfficeError } from '../../sync-server/protocol/errors.ts';
import { WrittenDocument } from './written-document.ts';

const [folder = '', valueBytes = '10'] = process.argv.slice(2);
const value = 'x'.repeat(Number(valueBytes));
const log = await openLevelUpdateLog(folder);
let client = 0;

async function writeForEver(document: string): Promise<never> {
  let written = new WrittenDocument(++client);
  for (;;) {
    try {
      const updates = ['a', 'b', 'c'].map((key) => written.write(`${document}${client}${key}`, value));
      const clocks = await Promise.all(updates.map((update) => log.append({ document, update })));
      // A line that a kill cuts off only makes the test ask for less.
      for (const clock of clocks) process.stdout.write(`${document} ${clock}\n`);
    } catch (error) {
      process.stdout.write(`failed ${error instanceof OfficeError ? error.code : error}\n`);
      // A rollback: what follows must not rest on the refused records.
      written = new WrittenDocument(++client);
      await log.reopen(document);
    }
  }
}

await Promise.all([writeForEver('one'), writeForEver('two')]);
