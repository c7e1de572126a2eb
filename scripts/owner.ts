// npm run owner: a link to create the owner where there is none. npm run owner -- --reset: a link to a new password.
import { openOfficeData, runTool, toolFlags } from './office-data.ts';

await runTool(async () => {
  const args = process.argv.slice(2);
  const isReset = args.includes('--reset');
  const office = await openOfficeData(toolFlags(args.filter((arg) => arg !== '--reset')));
  try {
    const owner = office.accounts.members().find(({ role }) => role === 'owner');
    if (!owner) {
      process.stdout.write(`Create the owner: ${office.address}/setup#${office.accounts.issueOwnerLink()}\n`);
      return 0;
    }
    if (!isReset) {
      process.stdout.write(`The owner is ${owner.name} <${owner.email}>. A lost password: npm run owner -- --reset\n`);
      return 0;
    }
    const { token, expiresAt } = office.accounts.issueResetLink(owner.id);
    process.stdout.write(`A new password for ${owner.email}, until ${expiresAt}: ${office.address}/reset#${token}\n`);
    return 0;
  } finally {
    office.close();
  }
});
