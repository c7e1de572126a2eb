// npm run token -- [--email <address>] [--name <what for>] [--data <folder>]: makes an API key and prints it, once.
import { openOfficeData, runTool, toolFlags } from './office-data.ts';
import { takeOption } from './take-option.ts';

await runTool(async () => {
  const { value: email, rest: withoutEmail } = takeOption(process.argv.slice(2), '--email');
  const { value: name, rest } = takeOption(withoutEmail, '--name');
  const office = await openOfficeData(toolFlags(rest));
  try {
    const members = office.accounts.members().filter(({ disabled }) => !disabled);
    const person = email
      ? members.find((member) => member.email === email.trim().toLowerCase())
      : members.find(({ role }) => role === 'owner');
    if (!person) throw new Error(email ? `Nobody here has the address ${email}.` : 'The office has no owner yet.');
    const { key } = await office.accounts.makeApiKey(person.id, name ?? 'made on the machine');
    process.stderr.write(`A key that acts as ${person.name} <${person.email}>. It is not shown again.\n`);
    process.stdout.write(`${key}\n`);
    return 0;
  } finally {
    office.close();
  }
});
