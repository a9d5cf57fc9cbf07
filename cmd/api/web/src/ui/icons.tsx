import type { ComponentChildren } from "preact";

// Icons, drawn for this product: 24 by 24, strokes of 1.8. They are decoration: the button that holds one has the label.

export interface IconProps {
  size?: number;
  filled?: boolean;
}

const icon =
  (draw: (filled: boolean) => ComponentChildren) =>
  ({ size = 24, filled = false }: IconProps) => (
    <svg
      class="icon"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {draw(filled)}
    </svg>
  );

const fill = (filled: boolean) => (filled ? "currentColor" : "none");

export const HomeIcon = icon((on) => (
  <>
    <path d="M4 10.6 12 4l8 6.6V19a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 19z" fill={fill(on)} />
    <path d="M9.5 15.5h5" stroke={on ? "var(--bg)" : "currentColor"} />
  </>
));
export const PlusIcon = icon(() => <path d="M12 5v14M5 12h14" />);
export const UploadIcon = icon((on) => (
  <>
    <rect x="3.5" y="4.5" width="17" height="15" rx="4" fill={fill(on)} />
    <path d="M12 8.5v7M8.5 12h7" stroke={on ? "var(--bg)" : "currentColor"} />
  </>
));
export const BellIcon = icon((on) => (
  <>
    <path d="M6 10.5a6 6 0 0 1 12 0c0 4.4 1.5 5.6 2 6.3H4c.5-.7 2-1.9 2-6.3z" fill={fill(on)} />
    <path d="M10 19.8a2.2 2.2 0 0 0 4 0" />
  </>
));
export const PinIcon = icon(() => <path d="M9 4h6l-.8 5.5 3.3 3.5h-11l3.3-3.5zM12 13v7" />);
export const ReplyIcon = icon(() => <path d="M10 6 4 11.5l6 5.5M4.5 11.5H14a6 6 0 0 1 6 6V19" />);
export const MentionIcon = icon(() => (
  <>
    <circle cx="12" cy="12" r="3.6" />
    <path d="M15.6 8.5v4.9a2.3 2.3 0 0 0 4.6 0V12a8.2 8.2 0 1 0-3.4 6.6" />
  </>
));
export const ChatIcon = icon((on) => (
  <path
    d="M20.5 11.4c0 4-3.8 7.2-8.5 7.2-1 0-2-.1-2.9-.4L4.4 20l1-3.7a6.6 6.6 0 0 1-1.9-4.9c0-4 3.8-7.2 8.5-7.2s8.5 3.2 8.5 7.2z"
    fill={fill(on)}
  />
));
export const UserIcon = icon((on) => (
  <>
    <circle cx="12" cy="8" r="3.9" fill={fill(on)} />
    <path d="M4.5 20c.7-3.6 3.7-5.7 7.5-5.7s6.8 2.1 7.5 5.7" fill={fill(on)} />
  </>
));
export const SearchIcon = icon(() => (
  <>
    <circle cx="11" cy="11" r="6.5" />
    <path d="m16 16 4.5 4.5" />
  </>
));
export const HashIcon = icon(() => <path d="M9.5 4 7.5 20M16.5 4l-2 16M4.5 9h16M3.5 15h16" />);
export const ClockIcon = icon(() => (
  <>
    <circle cx="12" cy="12" r="8.5" />
    <path d="M12 7v5.2l3.4 2" />
  </>
));
export const ChartIcon = icon(() => <path d="M4 20h16M6.5 16.5v-5M11 16.5v-11M15.5 16.5v-8M20 16.5v-3" />);
export const SettingsIcon = icon(() => (
  <>
    <path d="M4 7h9M17 7h3M4 17h3M11 17h9" />
    <circle cx="15" cy="7" r="2.2" />
    <circle cx="9" cy="17" r="2.2" />
  </>
));
export const HeartIcon = icon((on) => (
  <path
    d="M12 20s-8-4.7-8-10.6A4.5 4.5 0 0 1 8.5 4.8c1.5 0 2.8.8 3.5 2.1.7-1.3 2-2.1 3.5-2.1A4.5 4.5 0 0 1 20 9.4C20 15.3 12 20 12 20z"
    fill={fill(on)}
  />
));
export const CommentIcon = icon((on) => (
  <>
    <path
      d="M20.5 11.2c0 3.9-3.8 7-8.5 7-.8 0-1.6-.1-2.4-.3L5 20l.8-3.4c-1.4-1.3-2.3-3.2-2.3-5.4 0-3.9 3.8-7 8.5-7s8.5 3.1 8.5 7z"
      fill={fill(on)}
    />
    <path d="M8.5 11.2h.01M12 11.2h.01M15.5 11.2h.01" stroke={on ? "rgb(0 0 0 / 65%)" : "currentColor"} stroke-width="2.4" />
  </>
));
export const ShareIcon = icon((on) => <path d="M13.5 5.2v3.6C7 9.3 4 13 3.5 18.5c2.3-3.4 5.3-4.9 10-4.9v3.7l7-6.2z" fill={fill(on)} />);
export const SoundIcon = icon(() => (
  <>
    <path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z" fill="currentColor" />
    <path d="M15.5 9a4 4 0 0 1 0 6M18 6.5a7.5 7.5 0 0 1 0 11" />
  </>
));
export const MutedIcon = icon(() => (
  <>
    <path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z" fill="currentColor" />
    <path d="m16 9.5 5 5M21 9.5l-5 5" />
  </>
));
export const PlayIcon = icon(() => (
  <path d="M8 5.3v13.4a.6.6 0 0 0 .9.5l10.6-6.7a.6.6 0 0 0 0-1L8.9 4.8a.6.6 0 0 0-.9.5z" fill="currentColor" />
));
export const CloseIcon = icon(() => <path d="m6 6 12 12M18 6 6 18" />);
export const BackIcon = icon(() => <path d="m14.5 5-7 7 7 7" />);
export const UpIcon = icon(() => <path d="m5 15 7-7 7 7" />);
export const DownIcon = icon(() => <path d="m5 9 7 7 7-7" />);
export const TrashIcon = icon(() => <path d="M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.9 12.5h9.2L17.5 7M10 11v5M14 11v5" />);
export const MoreIcon = icon(() => <path d="M5.5 12h.01M12 12h.01M18.5 12h.01" stroke-width="2.8" />);
export const SunIcon = icon(() => (
  <>
    <circle cx="12" cy="12" r="4" />
    <path d="M12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1.1 1.1M17.3 17.3l1.1 1.1M5.6 18.4l1.1-1.1M17.3 6.7l1.1-1.1" />
  </>
));
export const MoonIcon = icon(() => <path d="M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z" />);
export const DeviceIcon = icon(() => (
  <>
    <circle cx="12" cy="12" r="8" />
    <path d="M12 4a8 8 0 0 1 0 16z" fill="currentColor" />
  </>
));
export const PhoneIcon = icon(() => (
  <>
    <rect x="7" y="3.5" width="10" height="17" rx="2.5" />
    <path d="M11 17.5h2" />
  </>
));
export const ComputerIcon = icon(() => (
  <>
    <rect x="3.5" y="5" width="17" height="11" rx="2" />
    <path d="M9 20h6M12 16v4" />
  </>
));
export const LanguageIcon = icon(() => (
  <>
    <path d="M3.5 6.5h9M8 4.5v2M10.5 6.5c-.7 3.5-3 6-6.5 7.5M5.5 9.5c1 2 3 3.8 5.5 4.5" />
    <path d="m12.5 20 4-9.5 4 9.5M14 17h5" />
  </>
));
export const SendIcon = icon(() => <path d="M4 11.8 20 4.5l-5 15.5-3.5-6.5z" fill="currentColor" />);
export const AlertIcon = icon(() => (
  <>
    <circle cx="12" cy="12" r="8.5" />
    <path d="M12 7.5v5M12 16h.01" />
  </>
));
export const OfflineIcon = icon(() => (
  <>
    <path d="M4 4l16 16M8.5 15.5a5 5 0 0 1 6-.8M5.5 12a9.5 9.5 0 0 1 4-2.4M3 8.7A14 14 0 0 1 6.7 6.3" />
    <path d="M12.5 6a14 14 0 0 1 8.5 2.7M15.5 10.5a9.5 9.5 0 0 1 3 1.5M12 19h.01" />
  </>
));
export const VideoIcon = icon(() => (
  <>
    <rect x="5" y="3.5" width="14" height="17" rx="3" />
    <path d="M10.5 9.5v5l4-2.5z" fill="currentColor" />
  </>
));
export const GridIcon = icon(() => <path d="M4.5 4.5h6v6h-6zM13.5 4.5h6v6h-6zM4.5 13.5h6v6h-6zM13.5 13.5h6v6h-6z" />);
export const CheckIcon = icon(() => <path d="m5 12.5 4.5 4.5L19 7.5" />);
export const EyeIcon = icon((on) => (
  <>
    <path d="M3 12c2-4 5.2-6 9-6s7 2 9 6c-2 4-5.2 6-9 6s-7-2-9-6z" />
    <circle cx="12" cy="12" r="2.8" fill={fill(on)} />
  </>
));
export const LogoIcon = ({ size = 32 }: IconProps) => (
  <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <rect width="32" height="32" rx="9" fill="#e11d48" />
    <path d="M12.2 9.3v13.4a1 1 0 0 0 1.5.9l10.6-6.7a1 1 0 0 0 0-1.7L13.7 8.4a1 1 0 0 0-1.5.9Z" fill="#fff" />
    <path d="M8 11.5v9" stroke="#fff" stroke-width="2.4" stroke-linecap="round" opacity=".65" />
  </svg>
);
