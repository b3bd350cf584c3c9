import type { ReactNode } from "react";

const shapes = {
  plus: <path d="M12 5v14M5 12h14" />,
  search: (
    <>
      <circle cx="11" cy="11" r="6.5" />
      <path d="m16 16 4.5 4.5" />
    </>
  ),
  close: <path d="m6 6 12 12M18 6 6 18" />,
  down: <path d="m6 9 6 6 6-6" />,
  back: <path d="M15 5l-7 7 7 7" />,
  check: <path d="m5 12.5 4.5 4.5L19 7.5" />,
  star: <path d="m12 3.6 2.6 5.3 5.8.8-4.2 4.1 1 5.8-5.2-2.8-5.2 2.8 1-5.8-4.2-4.1 5.8-.8z" />,
  low: <path d="M12 5v14m-6-6 6 6 6-6" />,
  bell: <path d="M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15zM10 20.5h4" />,
  mute: <path d="M6 16.5V11a6 6 0 0 1 9.5-4.9M18 11v5.5l1.5 1.5h-11M10 20.5h4M4 4l16 16" />,
  link: <path d="M9.5 14.5l5-5M11 6.5l1.8-1.8a4.6 4.6 0 0 1 6.5 6.5L17.5 13M13 17.5l-1.8 1.8a4.6 4.6 0 0 1-6.5-6.5L6.5 11" />,
  leave: <path d="M14 4.5H6.5v15H14M11 12h9.5m-3.5-3.5 3.5 3.5-3.5 3.5" />,
  unread: (
    <>
      <path d="M20 12v7H4V6h9M4.5 7 12 13l3-2.4" />
      <circle cx="19" cy="6" r="2.5" fill="currentColor" stroke="none" />
    </>
  ),
  read: <path d="M4 9.5 12 4l8 5.5V19H4zM4.5 10 12 15l7.5-5" />,
  people: (
    <>
      <circle cx="9" cy="8.5" r="3.5" />
      <path d="M2.5 19.5a6.5 6.5 0 0 1 13 0M15.5 5.3a3.5 3.5 0 0 1 0 6.4M18 14.2a6.4 6.4 0 0 1 3.5 5.3" />
    </>
  ),
  person: (
    <>
      <circle cx="12" cy="8.5" r="4" />
      <path d="M4.5 20a7.5 7.5 0 0 1 15 0" />
    </>
  ),
  chat: <path d="M4 5h16v11.5H11L6.5 20v-3.5H4z" />,
  hash: <path d="M9.5 4 7.5 20M16.5 4l-2 16M4.5 9h16M3.5 15h16" />,
  lock: (
    <>
      <rect x="5.5" y="10.5" width="13" height="9.5" rx="2" />
      <path d="M8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5" />
    </>
  ),
  unlock: (
    <>
      <rect x="5.5" y="10.5" width="13" height="9.5" rx="2" />
      <path d="M8.5 10.5V8a3.5 3.5 0 0 1 6.7-1.4" />
    </>
  ),
  info: (
    <>
      <circle cx="12" cy="12" r="8.5" />
      <path d="M12 11v5.5M12 7.6v.2" />
    </>
  ),
  settings: (
    <>
      <path d="M4 7h9M17 7h3M4 17h3M11 17h9" />
      <circle cx="15" cy="7" r="2.2" />
      <circle cx="9" cy="17" r="2.2" />
    </>
  ),
  file: <path d="M6 3.5h8l4.5 4.5v12.5H6zM14 3.5V8h4.5" />,
  thread: <path d="M4 5h16v11h-9l-4.5 3.5V16H4zM8 9h8M8 12.2h5" />,
  pin: <path d="M9 4h6l-.7 6 3.2 3.5h-11L9.7 10zM12 13.5V20" />,
  space: (
    <>
      <rect x="4" y="4" width="7" height="7" rx="1.8" />
      <rect x="13" y="4" width="7" height="7" rx="1.8" />
      <rect x="4" y="13" width="7" height="7" rx="1.8" />
      <rect x="13" y="13" width="7" height="7" rx="3.5" />
    </>
  ),
  compass: (
    <>
      <circle cx="12" cy="12" r="8.5" />
      <path d="m15.5 8.5-2 5-5 2 2-5z" />
    </>
  ),
  home: <path d="M4 11 12 4l8 7v9h-5.5v-5.5h-5V20H4z" />,
  shield: <path d="M12 3.5 19 6v5.5c0 4.5-3 7.5-7 9-4-1.5-7-4.5-7-9V6z" />,
  pencil: <path d="M5 19l1-4L16.5 4.5l3 3L9 18z" />,
  more: <path d="M5.5 12h.01M12 12h.01M18.5 12h.01" strokeWidth="3" />,
  invite: (
    <>
      <circle cx="10" cy="8.5" r="3.8" />
      <path d="M3 20a7 7 0 0 1 12.5-4.3M18.5 13.5v6M15.5 16.5h6" />
    </>
  ),
  offline: <path d="M4 4l16 16M7 9.5a8 8 0 0 0-2.5 1.8M10 5.6a13 13 0 0 1 11.5 3.7M9 14.5a4.6 4.6 0 0 1 4.5-.8M12 18.5h.01" />,
  record: (
    <>
      <circle cx="12" cy="12" r="8.5" />
      <circle cx="12" cy="12" r="3.5" fill="currentColor" stroke="none" />
    </>
  ),
  clock: (
    <>
      <circle cx="12" cy="12" r="8.5" />
      <path d="M12 7.5V12l3 2" />
    </>
  ),
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof shapes;

/** A line drawing in the colour of the text around it. It says nothing to screen readers: the words do. */
export function Icon({ name, size = 18, filled = false }: { name: IconName; size?: number; filled?: boolean }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill={filled ? "currentColor" : "none"}
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden
      focusable="false"
      style={{ flex: "none" }}
    >
      {shapes[name]}
    </svg>
  );
}
