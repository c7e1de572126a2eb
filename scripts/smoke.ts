// npm run smoke [-- --data <folder>]: tries a running office from outside, as its programs and people do, and says of
// each check whether it passed and why not. Exit code 0 only if all passed. What it makes is moved to the bin.
import { openOfficeData, runTool, toolFlags } from './office-data.ts';
import { printChecks } from './smoke/checks.ts';
import { OfficeClient } from './smoke/office-client.ts';
import { smokeChecks } from './smoke/smoke-checks.ts';

await runTool(async () => {
  const office = await openOfficeData(toolFlags(process.argv.slice(2)));
  try {
    const { holder, accounts } = office;
    if (!holder) throw new Error(`No office runs on ${office.folder}: start it with npm start.`);
    const owner = accounts.members().find(({ role, disabled }) => role === 'owner' && !disabled);
    if (!owner) throw new Error('The office has no owner yet: open the link that npm start printed.');
    const { id, key } = await accounts.makeApiKey(owner.id, 'smoke test');
    const client = new OfficeClient(office.address, key);
    try {
      return (await printChecks(smokeChecks({ client, holder, personId: owner.id }))) ? 0 : 1;
    } finally {
      await client.tidy();
      accounts.revokeApiKey(owner.id, id);
    }
  } finally {
    office.close();
  }
});
