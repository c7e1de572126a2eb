/** Stroke icons on a 24-unit grid, drawn by hand; decorative, so hidden from the accessibility tree. */
const PATHS = {
  plus: 'M12 5v14M5 12h14',
  search: 'M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM16 16l4.5 4.5',
  bin: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5',
  gear: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 5a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM9 15a2 2 0 1 1 0 4 2 2 0 0 1 0-4z',
  send: 'M5 12h13M12 5.5 18.5 12 12 18.5',
  stop: 'M7 7h10v10H7z',
  retry: 'M19 12a7 7 0 1 1-2.2-5.1M19 4v4h-4',
  clock: 'M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16zM12 8v4.5l3 1.8',
  tick: 'M5 12.5 10 17.5 19.5 7',
  warn: 'M12 4 21.5 20h-19zM12 10v4.5M12 17v.5',
  close: 'M6 6l12 12M18 6 6 18',
  down: 'M12 5v14M5.5 12.5 12 19l6.5-6.5',
  chevron: 'M9 6l6 6-6 6',
  back: 'M15 5l-7 7 7 7',
  reply: 'M10 6 4 12l6 6M4 12h9a7 7 0 0 1 7 7',
  copy: 'M9 9h10v11H9zM15 9V4H5v11h4',
  pencil: 'M5 19l1-4L16.5 4.5l3 3L9 18z',
  smile: 'M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16zM8.5 14a4 4 0 0 0 7 0M9 9.5v.5M15 9.5v.5',
  more: 'M6 12h.01M12 12h.01M18 12h.01',
  people:
    'M9 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM3.5 19a5.5 5.5 0 0 1 11 0M15.5 5.3a3 3 0 0 1 0 5.4M17 14.2a5.5 5.5 0 0 1 3.5 4.8',
  hexagon: 'M12 3l7.8 4.5v9L12 21l-7.8-4.5v-9z',
  scales: 'M12 4v16M7 20h10M5 7h14M5 7l-3 7h6zM19 7l-3 7h6z',
  chat: 'M5 5h14v11h-7l-4.5 4v-4H5z',
  spark: 'M12 4l1.9 6.1L20 12l-6.1 1.9L12 20l-1.9-6.1L4 12l6.1-1.9z',
  bolt: 'M13 3 6 13.5h5L10.5 21 18 10.5h-5z',
  theme: 'M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16',
  key: 'M8 11a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM11 12l8-8M16 7l3 3',
  leave: 'M14 5H5v14h9M10 12h10M16.5 8.5 20 12l-3.5 3.5',
  restore: 'M5 12a7 7 0 1 0 2.2-5.1M5 4v4h4',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon(props: { name: IconName }) {
  return (
    <svg
      class="icon"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width={props.name === 'more' ? 3 : 1.8}
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[props.name]} />
    </svg>
  );
}
