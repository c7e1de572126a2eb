import { OFFICE_AUTHOR } from './protocol/entry.ts';
import { deriveId } from './protocol/ids.ts';
import type { Person } from './protocol/principal.ts';
import type { Sessions } from './sessions.ts';

const TITLE = 'Welcome';
const WORDS = `This is your office. Here you talk with **Daena**, its vice president: ask her anything below, and she answers.

- **Departments** on the left each have six agents. Ask one, and its specialists' notes and their summary come back.
- **Councils** debate a question and hand you a decision, with the dissent.
- In a **General** chat, write @ and a name to bring in an agent, or invite people in Settings: everyone writes in the same conversations, live.`;

/** Opens the owner's first conversation. May be repeated by accident: it is then another conversation, nothing worse. */
export async function welcome(owner: Person, sessions: Sessions): Promise<void> {
  const { session_id: id } = await sessions.start(owner, { scope_type: 'executive', title: TITLE });
  await sessions.appendAsOffice(id, (at) => ({
    id: deriveId('welcome', id),
    kind: 'notice',
    author: OFFICE_AUTHOR,
    at,
    body: WORDS,
  }));
}
