import { useState } from "preact/hooks";
import { api } from "../api/client";
import { LoginCancelled, errorText } from "../api/error";
import type { Session } from "../api/types";
import type { List } from "../lib/hooks";
import { ago, dateTime, t } from "../lib/i18n";
import { toast } from "../lib/toasts";
import { Button } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { ComputerIcon, PhoneIcon } from "../ui/icons";
import { Failed, Skeleton } from "../ui/states";

/** Sessions shows where the account is logged in, and ends what its owner does not know. */
export function Sessions({ list }: { list: List<Session> }) {
  const [asks, setAsks] = useState(false);
  const others = list.items.filter((session) => !session.is_current);
  const endOthers = async () => {
    try {
      await api.revokeOtherSessions();
      list.change((items) => items.filter((session) => session.is_current));
      toast(t("settings.sessions.ended"), "success");
    } catch (error) {
      if (!(error instanceof LoginCancelled)) toast(errorText(error), "error");
      throw error;
    }
  };
  if (list.items.length === 0) {
    if (list.error) return <Failed error={list.error} retry={list.refresh} />;
    return (
      <div role="status">
        <span class="visually-hidden">{t("state.loading")}</span>
        <Skeleton class="settings-skeleton" />
        <Skeleton class="settings-skeleton" />
      </div>
    );
  }
  return (
    <>
      <ul class="settings-list">
        {list.items.map((session) => (
          <SessionRow key={session.id} session={session} onEnd={() => list.change((items) => items.filter((one) => one.id !== session.id))} />
        ))}
      </ul>
      {others.length > 0 && (
        <div class="settings-actions">
          <Button onClick={() => setAsks(true)}>{t("settings.sessions.others")}</Button>
        </div>
      )}
      {asks && (
        <Confirm
          title={t("settings.sessions.others.ask")}
          text={t("settings.sessions.others.text")}
          action={t("settings.sessions.others")}
          onConfirm={endOthers}
          onClose={() => setAsks(false)}
        />
      )}
    </>
  );
}

function SessionRow({ session, onEnd }: { session: Session; onEnd: () => void }) {
  const [busy, setBusy] = useState(false);
  const device = deviceOf(session.agent);
  const end = async () => {
    setBusy(true);
    try {
      await api.revokeSession(session.id);
      onEnd();
      toast(t("settings.sessions.ended"), "success");
    } catch (error) {
      if (!(error instanceof LoginCancelled)) toast(errorText(error), "error");
      setBusy(false);
    }
  };
  return (
    <li class="settings-row">
      <span class="settings-icon">
        {phones.test(session.agent) ? <PhoneIcon /> : <ComputerIcon />}
      </span>
      <div class="settings-words">
        <p class="settings-strong">{device}</p>
        <p class="muted settings-small">
          {session.is_current ? (
            <span class="settings-current">{t("settings.sessions.current")}</span>
          ) : (
            <time dateTime={session.seen_at} title={dateTime(session.seen_at)}>
              {t("settings.sessions.seen", { when: ago(session.seen_at) })}
            </time>
          )}
          {session.address && ` · ${session.address}`}
        </p>
      </div>
      {!session.is_current && (
        <Button size="small" busy={busy} onClick={() => void end()} aria-label={t("settings.sessions.end.label", { device })}>
          {t("settings.sessions.end")}
        </Button>
      )}
    </li>
  );
}

const phones = /iPhone|iPad|Android|Mobile|okhttp|Dalvik/;

// In this order: a browser also names those that it is like.
const browsers: [RegExp, string][] = [
  [/Edg(e|A|iOS)?\//, "Edge"],
  [/OPR\/|Opera/, "Opera"],
  [/SamsungBrowser\//, "Samsung Internet"],
  [/MicroMessenger\//, "WeChat"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/(Headless)?Chrom(e|ium)\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
  [/okhttp|Dalvik/, "Android"],
  [/^curl\//, "curl"],
];
const systems: [RegExp, string][] = [
  [/iPhone/, "iPhone"],
  [/iPad/, "iPad"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X|Macintosh/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
];

/** deviceOf names browser and system of a User-Agent header, by which its owner knows it again. */
export function deviceOf(agent: string): string {
  const find = (table: [RegExp, string][]) => table.find(([pattern]) => pattern.test(agent))?.[1];
  const browser = find(browsers);
  const system = find(systems);
  if (browser && system && browser !== system) return t("settings.device", { browser, system });
  return browser ?? system ?? (agent.split(/[\s/]/)[0]?.slice(0, 40) || t("settings.device.unknown"));
}
