import { createEffect, createSignal, Index, onCleanup } from 'solid-js';
import { highlightMentions } from './highlight-mentions.ts';
import { GrowingMarkdown } from './markdown.ts';
import { renderSafely } from './safe-html.ts';

/** A message body. Streaming text is rendered at most once a frame, and only blocks that changed touch the page. */
export function MarkdownBody(props: { text: string; isStreaming?: boolean; mentions?: readonly string[] }) {
  const growing = new GrowingMarkdown(renderSafely);
  const [blocks, setBlocks] = createSignal<readonly string[]>(growing.update(props.text, props.isStreaming === true));
  let frame = 0;
  const render = () => {
    frame = 0;
    setBlocks(growing.update(props.text, props.isStreaming === true));
  };
  createEffect((isFirst: boolean) => {
    const isStreaming = props.isStreaming === true;
    props.text;
    if (isFirst) return false;
    if (isStreaming) frame ||= requestAnimationFrame(render);
    else {
      cancelAnimationFrame(frame);
      render();
    }
    return false;
  }, true);
  onCleanup(() => cancelAnimationFrame(frame));
  return (
    <div class="body" dir="auto">
      <Index each={blocks()}>{(html) => <Block html={html()} mentions={props.mentions ?? []} />}</Index>
    </div>
  );
}

function Block(props: { html: string; mentions: readonly string[] }) {
  let element: HTMLDivElement | undefined;
  createEffect(() => {
    if (element === undefined) return;
    // reason for the raw HTML: it comes from renderSafely
    element.innerHTML = props.html;
    highlightMentions(element, props.mentions);
  });
  return <div ref={element} class="block" />;
}
