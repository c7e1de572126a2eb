import { createSignal, onCleanup } from 'solid-js';

/** A reader within this many pixels of the bottom follows it. */
const NEAR_PX = 80;

export interface Follow {
  /** Call once both elements are on the page. */
  readonly attach: (scroller: HTMLElement, content: HTMLElement) => void;
  readonly isFollowing: () => boolean;
  readonly jump: () => void;
  /** Stops following, for when something else is to be looked at. */
  readonly letGo: () => void;
}

/**
 * Keeps a reader at the bottom of growing content, and only one who is there: any move upwards lets go at once,
 * coming back near the bottom takes hold again.
 *
 * @param isAtEnd whether the bottom of the content is the end of what there is
 */
export function createFollow(isAtEnd: () => boolean): Follow {
  const [isFollowing, setFollowing] = createSignal(true);
  let scroller: HTMLElement | undefined;
  let lastTop = 0;
  let touchY: number | undefined;

  const distance = () =>
    scroller === undefined ? 0 : scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
  const toBottom = () => {
    if (scroller) scroller.scrollTop = scroller.scrollHeight;
  };
  const onScroll = () => {
    const top = scroller?.scrollTop ?? 0;
    const isUpward = top < lastTop;
    lastTop = top;
    // Growing content leaves the reader where they are without any move of theirs: only a move upwards lets go.
    if (distance() <= 1 || (!isUpward && distance() <= NEAR_PX)) setFollowing(isAtEnd());
    else if (isUpward) setFollowing(false);
  };
  const onWheel = (event: WheelEvent) => {
    if (event.deltaY < 0 && distance() + lastTop > 0) setFollowing(false);
  };
  const onTouchStart = (event: TouchEvent) => {
    touchY = event.touches[0]?.clientY;
  };
  const onTouchMove = (event: TouchEvent) => {
    const y = event.touches[0]?.clientY;
    if (y !== undefined && touchY !== undefined && y > touchY) setFollowing(false);
  };
  const onKey = (event: KeyboardEvent) => {
    if (['ArrowUp', 'PageUp', 'Home'].includes(event.key)) setFollowing(false);
  };
  const observer = new ResizeObserver(() => {
    if (isFollowing()) toBottom();
  });

  onCleanup(() => observer.disconnect());
  return {
    attach: (element, content) => {
      scroller = element;
      element.addEventListener('scroll', onScroll, { passive: true });
      element.addEventListener('wheel', onWheel, { passive: true });
      element.addEventListener('touchstart', onTouchStart, { passive: true });
      element.addEventListener('touchmove', onTouchMove, { passive: true });
      element.addEventListener('keydown', onKey);
      observer.observe(element);
      observer.observe(content);
      toBottom();
    },
    isFollowing,
    jump: () => {
      setFollowing(true);
      toBottom();
    },
    letGo: () => setFollowing(false),
  };
}
