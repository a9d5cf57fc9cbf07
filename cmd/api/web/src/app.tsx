import type { ComponentType } from "preact";
import { useEffect, useLayoutEffect } from "preact/hooks";
import { ApiError } from "./api/error";
import { Layout, Switches } from "./layout";
import { useDesktop } from "./lib/hooks";
import { t, useLanguage } from "./lib/i18n";
import { markReload } from "./lib/saved";
import { followLinks, match, place, scrollOf, useAgain, useTitle, type PageProps, type Place, type Route } from "./lib/router";
import { askLogin, followOtherTabs, useViewer } from "./lib/session";
import { createStore, useStore } from "./lib/store";
import { onReconnect, reachable } from "./lib/connection";
import { followNews } from "./lib/news";
import { missing, routes } from "./routes";
import { Button } from "./ui/button";
import { UserIcon } from "./ui/icons";
import { Empty, Failed, Spinner } from "./ui/states";

/** Opened is the page that is shown, with the code of its chunk. */
interface Opened {
  place: Place;
  route: Route;
  params: Record<string, string>;
  page: ComponentType<PageProps> | null;
  error: unknown;
}

const opened = createStore<Opened | null>(null);

/** openPage loads the page of the current address; the page before it stays until its successor is there. */
export async function openPage(): Promise<void> {
  const target = place.get();
  const found = match(routes, target.path) ?? { route: missing, params: {} };
  try {
    const page = (await found.route.load()).default;
    if (place.get().key === target.key) opened.set({ ...found, place: place.get(), page, error: null });
  } catch {
    // Either the server cannot be reached, or it has a new build, whose chunks have other names: then the whole page is loaded anew.
    const isReachable = await reachable();
    if (place.get().key !== target.key) return;
    if (isReachable && markReload(target.key)) location.reload();
    else opened.set({ ...found, place: target, page: null, error: new ApiError(isReachable ? 404 : 0, 0) });
  }
}

const prefetchMs = 5000;

/** prefetchPages fetches the pages that one may open next, once the first one has had its time. */
export function prefetchPages(): void {
  setTimeout(() => {
    for (const route of routes) void route.load().catch(() => undefined);
  }, prefetchMs);
}

const isPage = (path: string): boolean => match(routes, path) !== null;

// The feed scrolls by itself, and goes to its top by itself.
const toTop = (): void => scrollTo({ top: 0, behavior: "smooth" });

export function App() {
  useLanguage();
  const now = useStore(opened);
  useEffect(() => {
    const stopLinks = followLinks(isPage);
    const stopPlace = place.subscribe(() => void openPage());
    const stopReconnect = onReconnect(() => {
      if (opened.get()?.error) void openPage();
    });
    const stopTabs = followOtherTabs();
    const stopNews = followNews();
    return () => {
      stopTabs();
      stopNews();
      stopLinks();
      stopPlace();
      stopReconnect();
    };
  }, []);
  useAgain(toTop);
  if (!now) return null;
  return (
    <Layout path={now.place.path} full={now.route.full ?? false}>
      <Page key={now.place.key + now.place.path} opened={now} />
    </Layout>
  );
}

let isFirst = true;

function Page({ opened }: { opened: Opened }) {
  const now = useViewer();
  const Shown = opened.page;
  const { key } = opened.place;
  useLayoutEffect(() => {
    scrollTo(0, scrollOf(key));
    // A screen reader goes on at the new page; the first one it begins to read by itself.
    if (!isFirst) document.getElementById("main")?.focus({ preventScroll: true });
    isFirst = false;
  }, [key]);
  if (!Shown) {
    return <Failed page error={opened.error} retry={() => location.reload()} />;
  }
  if (opened.route.member && now.kind === "unknown") return <Spinner />;
  if (opened.route.member && now.kind === "visitor") return <MembersOnly />;
  return <Shown params={opened.params} query={new URLSearchParams(opened.place.query)} />;
}

// In place of a page that needs an account. When a session ends while a page is open, the login sheet lies over it.
function MembersOnly() {
  useTitle(t("nav.login"));
  const desktop = useDesktop();
  return (
    <Empty page icon={<UserIcon size={40} />} title={t("login.needed")} text={t("login.needed.text")}>
      <Button look="primary" onClick={() => void askLogin("needed")}>
        {t("nav.login")}
      </Button>
      {!desktop && <Switches />}
    </Empty>
  );
}
