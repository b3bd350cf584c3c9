/** Line drawings of 24 by 24. They say nothing to screen readers: the buttons have names. */
const paths = {
  reply: "M10 7 4 12l6 5 M4 12h10a6 6 0 0 1 6 6",
  react: "M12 21a9 9 0 1 1 6-15.7 M8 14.5a5 5 0 0 0 7.5.5 M9 9.5v.01 M15 9.5v.01 M20 3v6 M17 6h6",
  edit: "M4 20l1-4L16 5l3 3L8 19l-4 1z M14 7l3 3",
  remove: "M4 7h16 M10 7V4h4v3 M6 7l1 13h10l1-13 M10 11v5 M14 11v5",
  thread: "M4 5h16v11H10l-4 4v-4H4z M8 9h8 M8 12h5",
  forward: "M14 7l6 5-6 5 M20 12H10a6 6 0 0 0-6 6",
  pin: "M9 4h6l-1 6 3 3H7l3-3-1-6z M12 13v7",
  copy: "M9 9h11v11H9z M5 15H4V4h11v1",
  link: "M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-6-6l-1 1 M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 6 6l1-1",
  report: "M6 21V4h11l-2 4 2 4H6",
  source: "M8 7l-5 5 5 5 M16 7l5 5-5 5",
  more: "M5 12h.01 M12 12h.01 M19 12h.01",
  check: "M5 13l4 4L19 7",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z M12 7v5l3 2",
  warning: "M12 4 2.5 20h19z M12 10v4 M12 17v.01",
  retry: "M20 12a8 8 0 1 1-2.5-5.8 M20 3v5h-5",
  down: "M12 5v14 M6 13l6 6 6-6",
  lock: "M6 11h12v9H6z M9 11V8a3 3 0 0 1 6 0v3",
  key: "M9 12a4 4 0 1 1-1.5-3 M11 11h9v3 M16 11v3",
  chevron: "M9 6l6 6-6 6",
  place: "M12 21s7-6.2 7-11a7 7 0 0 0-14 0c0 4.800 7 11 7 11z M12 12.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5z",
  poll: "M5 20V10 M12 20V4 M19 20v-7",
  history: "M4 12a8 8 0 1 1 2.500 5.800 M4 20v-5h5 M12 8v4l3 2",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8z M4 20a8 6 0 0 1 16 0",
  close: "M6 6l12 12 M18 6 6 18",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={name === "more" ? 3 : 1.8} strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
