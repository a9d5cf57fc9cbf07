import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { connection, onReconnect, reachable } from "./lib/connection";
import { useDesktop } from "./lib/hooks";
import { lazy } from "./lib/lazy";
import { language, setLanguage, t, tn } from "./lib/i18n";
import { loginSheet, useMe, useViewer } from "./lib/session";
import { nextTheme, setTheme, useTheme } from "./lib/theme";
import { useStore } from "./lib/store";
import { toast } from "./lib/toasts";
import { Avatar, displayName, profilePath } from "./ui/avatar";
import { IconButton } from "./ui/button";
import {
  BellIcon,
  ChartIcon,
  ChatIcon,
  ClockIcon,
  DeviceIcon,
  HomeIcon,
  LanguageIcon,
  LogoIcon,
  MoonIcon,
  SearchIcon,
  SettingsIcon,
  SunIcon,
  UploadIcon,
  UserIcon,
} from "./ui/icons";
import { SearchBox } from "./ui/search-box";
import { Toasts } from "./ui/toasts";

const LoginSheet = lazy(
  async () => (await import("./ui/login-sheet")).LoginSheet,
  () => null,
);

interface LayoutProps {
  path: string;
  full: boolean;
  children: ComponentChildren;
}

// Moves the focus only: another address would be another entry of the history.
const skip = (event: Event): void => {
  event.preventDefault();
  document.getElementById("main")?.focus();
};

/** Layout is what surrounds every page: the navigation, messages, the login sheet. */
export function Layout({ path, full, children }: LayoutProps) {
  const desktop = useDesktop();
  const isAsked = useStore(loginSheet) !== null;
  return (
    <div class={`layout${full ? " layout-full" : ""}`}>
      <a class="skip" href="#main" onClick={skip}>
        {t("app.skip")}
      </a>
      {desktop && <SideNavigation path={path} />}
      <main id="main" class="main" tabIndex={-1}>
        {children}
      </main>
      {!desktop && <BottomNavigation path={path} />}
      <Connection />
      <Toasts />
      {isAsked && <LoginSheet />}
    </div>
  );
}

/** entries are the places of the navigation, in order. */
function useEntries(path: string) {
  const viewer = useViewer();
  const me = useMe();
  const { unread_conversations: chats, unread_notices: notices } =
    viewer.kind === "member" ? viewer.me : { unread_conversations: 0, unread_notices: 0 };
  const profile = me ? profilePath(me) : "/login";
  return [
    { href: "/", label: t("nav.home"), Icon: HomeIcon, isOpen: path === "/", unread: null },
    { href: "/search", label: t("search.title"), Icon: SearchIcon, isOpen: path === "/search", unread: null },
    { href: "/upload", label: t("nav.upload"), Icon: UploadIcon, isOpen: path === "/upload", unread: null },
    {
      href: "/inbox",
      label: t("nav.inbox"),
      Icon: BellIcon,
      isOpen: path === "/inbox",
      unread: notices > 0 && <Badge n={notices} text={tn("nav.unread.notices", notices)} />,
    },
    {
      href: "/chat",
      label: t("nav.chat"),
      Icon: ChatIcon,
      isOpen: path.startsWith("/chat"),
      unread: chats > 0 && <Badge n={chats} text={tn("nav.unread", chats)} />,
    },
    { href: profile, label: t("nav.profile"), Icon: UserIcon, isOpen: path === profile, unread: null },
  ];
}

function Badge({ n, text }: { n: number; text: string }) {
  return (
    <span class="badge">
      <span aria-hidden="true">{n > 99 ? "99+" : n}</span>
      <span class="visually-hidden">{text}</span>
    </span>
  );
}

function BottomNavigation({ path }: { path: string }) {
  return (
    <nav class="bottom-nav" aria-label={t("nav.main")}>
      {useEntries(path).map(({ href, label, Icon, isOpen, unread }) => (
        <a key={label} href={href} class="bottom-nav-entry" aria-current={isOpen ? "page" : undefined}>
          <span class="nav-icon">
            <Icon filled={isOpen} />
            {unread}
          </span>
          <span>{label}</span>
        </a>
      ))}
    </nav>
  );
}

// What members have beside these on the desktop; on the phone their profile leads there.
const own = [
  { href: "/history", key: "nav.history", Icon: ClockIcon },
  { href: "/statistics", key: "nav.statistics", Icon: ChartIcon },
  { href: "/settings", key: "nav.settings", Icon: SettingsIcon },
] as const;

function SideNavigation({ path }: { path: string }) {
  const me = useMe();
  const viewer = useViewer();
  return (
    <header class="side-nav">
      <a class="logo" href="/">
        <LogoIcon />
        <span>{t("app.name")}</span>
      </a>
      <SearchBox />
      <nav class="side-nav-entries" aria-label={t("nav.main")}>
        {useEntries(path).map(({ href, label, Icon, isOpen, unread }) => (
          <a key={label} href={href} class="side-nav-entry" aria-current={isOpen ? "page" : undefined}>
            <span class="nav-icon">
              <Icon filled={isOpen} />
              {unread}
            </span>
            <span>{label}</span>
          </a>
        ))}
        {me &&
          own.map(({ href, key, Icon }) => (
            <a key={href} href={href} class="side-nav-entry" aria-current={path === href ? "page" : undefined}>
              <Icon />
              <span>{t(key)}</span>
            </a>
          ))}
      </nav>
      {viewer.kind === "visitor" && (
        <div class="side-nav-login">
          <p class="muted">{t("login.needed.text")}</p>
          <a class="button button-primary button-medium button-wide" href="/login">
            {t("nav.login")}
          </a>
        </div>
      )}
      <div class="side-nav-foot">
        {me && (
          <a class="person" href={profilePath(me)}>
            <Avatar user={me} size={32} />
            <span class="person-name">{displayName(me)}</span>
          </a>
        )}
        <Switches />
      </div>
    </header>
  );
}

/** Switches are the switches of theme and language. */
export function Switches() {
  const theme = useTheme();
  const Icon = theme === "light" ? SunIcon : theme === "dark" ? MoonIcon : DeviceIcon;
  return (
    <div class="switches">
      <IconButton label={t(`nav.theme.${theme}`)} onClick={() => setTheme(nextTheme(theme))}>
        <Icon size={20} />
      </IconButton>
      <IconButton label={t("nav.language")} onClick={() => void setLanguage(language.get() === "zh" ? "en" : "zh")}>
        <LanguageIcon size={20} />
      </IconButton>
    </div>
  );
}

// The line that tells of a lost connection. While it is shown the server is asked for a small file until it answers.
function Connection() {
  const state = useStore(connection);
  useEffect(() => {
    if (state === "online") return;
    const ask = () => void reachable();
    const stopReconnect = onReconnect(() => toast(t("state.online"), "success"));
    const timer = setInterval(ask, 3000);
    addEventListener("online", ask);
    return () => {
      stopReconnect();
      clearInterval(timer);
      removeEventListener("online", ask);
    };
  }, [state]);
  return (
    <div class="connection" role="status">
      {state === "offline" && <span>{t("state.offline")}</span>}
    </div>
  );
}
