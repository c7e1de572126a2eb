import DOMPurify from 'dompurify';
import { parseBlock, type RenderBlock } from './markdown.ts';

/** Finished blocks kept as HTML, over all messages on this page. */
const MAX_CACHED_BLOCKS = 2_000;

const ALLOWED_TAGS =
  'a blockquote br code del em h1 h2 h3 h4 h5 h6 hr input li ol p pre strong table tbody td th thead tr ul'.split(' ');
const ALLOWED_ATTR = 'href title class start align type checked disabled'.split(' ');

const cache = new Map<string, string>();

DOMPurify.addHook('afterSanitizeAttributes', (node) => {
  if (node.tagName === 'A') {
    node.setAttribute('target', '_blank');
    node.setAttribute('rel', 'noopener noreferrer nofollow');
  }
  if (node.tagName === 'INPUT' && node.getAttribute('type') !== 'checkbox') node.remove();
  if (node.tagName === 'PRE') node.setAttribute('tabindex', '0');
});

/** HTML of a block without anything that could run, load or imitate the office; finished blocks are kept. */
export const renderSafely: RenderBlock = (source, isFinished, definitions) => {
  const key = `${definitions}\u0000${source}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const html = DOMPurify.sanitize(parseBlock(source, definitions), {
    ALLOWED_TAGS,
    ALLOWED_ATTR,
    ALLOW_DATA_ATTR: false,
  });
  if (isFinished) {
    if (cache.size >= MAX_CACHED_BLOCKS) cache.delete(cache.keys().next().value ?? '');
    cache.set(key, html);
  }
  return html;
};
