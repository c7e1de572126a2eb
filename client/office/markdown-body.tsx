import { createEffect, createSignal, Index, onCleanup } from 'solid-js';
import { GrowingMarkdown } from './markdown.ts';

/** A message body. Streaming text is rendered at most once a frame, and only blocks that changed touch the page. */
export function MarkdownBody(props: { text: string; isStreaming?: boolean }) {
  const growing = new GrowingMarkdown();
  const [blocks, setBlocks] = createSignal<readonly string[]>(growing.update(props.text, props.isStreaming === true));
  let frame = 0;
  const render = () => {
    frame = 0;
    setBlocks(growing.update(props.text, props.isStreaming === true));
  };
  createEffect((isFirst: boolean) => {
    const streaming = props.isStreaming === true;
    props.text;
    if (!isFirst) {
      if (streaming) frame ||= requestAnimationFrame(render);
      else render();
    }
    return false;
  }, true);
  onCleanup(() => cancelAnimationFrame(frame));
  return (
    <div class="body" dir="auto">
      <Index each={blocks()}>{(html) => <div class="block" innerHTML={html()} />}</Index>
    </div>
  );
}
