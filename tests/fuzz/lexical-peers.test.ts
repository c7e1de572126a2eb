// Lexical's own Yjs binding in two editors on a brief, through a real process.
import { $createParagraphNode, $createTextNode, $getRoot, $isElementNode, $isTextNode, type TextNode } from 'lexical';
import { expect, test } from 'vitest';
import { LexicalPeer } from '../support/lexical-peer.ts';
import { startOffice } from '../support/office.ts';
import { addMember } from '../support/office-people.ts';
import { until } from '../support/until.ts';

/** The first text of a paragraph. */
function $textOf(paragraph: number): TextNode {
  const found = $getRoot().getChildAtIndex(paragraph);
  const text = $isElementNode(found) ? found.getFirstDescendant() : null;
  if (!$isTextNode(text)) throw new RangeError(`no text in paragraph ${paragraph}`);
  return text;
}

const $addParagraph = (words: string): void => {
  $getRoot().append($createParagraphNode().append($createTextNode(words)));
};

/** Every editor comes to show these paragraphs, with the same formats. */
const allShow = (peers: readonly LexicalPeer[], ...paragraphs: readonly string[]): Promise<true> =>
  until(`every editor shows ${paragraphs.join(' / ')}`, () => {
    const isTold = peers.every(({ text, peer }) => peer.provider.synced && text === paragraphs.join('\n\n'));
    return isTold && new Set(peers.map(({ shown }) => shown)).size === 1;
  });

test('[RO1] [INV1] [INV3] [INV10] [GA19] two Lexical editors on a brief converge: paragraphs, formats, undo, typing at once, offline, and across a killed server', async () => {
  const office = await startOffice();
  const owner = await office.signIn();
  const bob = await addMember(owner.caller, 'bob');
  const { session } = await owner.caller.call('startChat', { body: { scope_type: 'general' } });
  const one = new LexicalPeer(owner.caller, session.documents.brief);
  const two = new LexicalPeer(bob.caller, session.documents.brief);
  await Promise.all([one.peer.synced(), two.peer.synced()]);
  one.edit(() => {
    $addParagraph('The plan');
    $addParagraph('First we look.');
  });
  await allShow([one, two], 'The plan', 'First we look.');
  // At once, in the same paragraph.
  one.edit(() => void $textOf(1).setTextContent('First we really look.'));
  two.edit(() => void $textOf(1).setTextContent('First we look, then we act.'));
  one.edit(() => void $textOf(0).toggleFormat('bold'));
  await allShow([one, two], 'The plan', 'First we really look, then we act.');
  expect(two.editor.getEditorState().read(() => $textOf(0).hasFormat('bold'))).toBe(true);
  two.undo();
  await allShow([one, two], 'The plan', 'First we really look.');
  one.peer.provider.disconnect();
  one.edit(() => $addParagraph('Written offline.'));
  two.edit(() => void $textOf(0).setTextContent('The good plan'));
  await two.peer.roundTrip();
  await office.kill9();
  two.edit(() => void $textOf(0).setTextContent('The very good plan'));
  await office.start();
  one.peer.provider.connect();
  const newcomer = new LexicalPeer(owner.caller, session.documents.brief);
  await allShow([one, two, newcomer], 'The very good plan', 'First we really look.', 'Written offline.');
});
