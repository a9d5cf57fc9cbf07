import { useEffect, useId, useState } from "preact/hooks";
import { api } from "../api/client";
import { LoginCancelled, errorText } from "../api/error";
import { useLoad } from "../lib/hooks";
import { t } from "../lib/i18n";
import { PushRefused, canPush, startPush, stopPush } from "../lib/push";
import { savedPush } from "../lib/saved";
import { toast } from "../lib/toasts";
import { Failed, Skeleton } from "../ui/states";

const kinds = ["like", "comment", "reply", "mention", "follow", "comment_like", "upload"] as const;

const tellOf = (error: unknown): void => {
  if (!(error instanceof LoginCancelled)) toast(errorText(error), "error");
};

/** Notices is what the viewer wants to hear of, and whether this browser shows it while no page is open. */
export function Notices() {
  const loaded = useLoad("notices", () => api.noticeSettings(), []);
  const [muted, setMuted] = useState<string[] | null>(null);
  const now = muted ?? loaded.value?.muted_kinds;
  const turn = async (kind: string, on: boolean) => {
    const before = now ?? [];
    const next = on ? before.filter((one) => one !== kind) : [...before, kind];
    setMuted(next);
    try {
      await api.setNoticeSettings(next);
    } catch (error) {
      setMuted(before);
      tellOf(error);
    }
  };
  if (!now) {
    return loaded.error ? (
      <Failed error={loaded.error} retry={loaded.reload} />
    ) : (
      <div role="status">
        <span class="visually-hidden">{t("state.loading")}</span>
        {kinds.map((kind) => (
          <Skeleton key={kind} class="settings-skeleton-line" />
        ))}
      </div>
    );
  }
  return (
    <>
      <ul class="settings-switches">
        {kinds.map((kind) => (
          <li key={kind}>
            <Switch label={t(`settings.notices.${kind}`)} on={!now.includes(kind)} onTurn={(on) => void turn(kind, on)} />
          </li>
        ))}
      </ul>
      <PushSwitch />
    </>
  );
}

// PushSwitch is not there when the server does not push, or the browser cannot.
function PushSwitch() {
  const [key, setKey] = useState("");
  const [isOn, setOn] = useState(() => savedPush() !== 0);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (canPush()) api.pushKey().then(setKey, () => undefined);
  }, []);
  if (key === "") return null;
  const turn = async (on: boolean) => {
    setBusy(true);
    setOn(on);
    try {
      await (on ? startPush(key) : stopPush());
    } catch (error) {
      setOn(!on);
      if (error instanceof PushRefused) toast(t("settings.push.refused"), "error");
      else tellOf(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="settings-push">
      <Switch label={t("settings.push")} hint={t("settings.push.hint")} on={isOn} disabled={busy} onTurn={(on) => void turn(on)} />
    </div>
  );
}

interface SwitchProps {
  label: string;
  hint?: string;
  on: boolean;
  disabled?: boolean;
  onTurn: (on: boolean) => void;
}

function Switch({ label, hint, on, disabled = false, onTurn }: SwitchProps) {
  const id = useId();
  return (
    <div class="settings-row">
      <label class="settings-words" for={id}>
        {label}
        {hint && (
          <span id={`${id}-hint`} class="muted settings-small settings-hint">
            {hint}
          </span>
        )}
      </label>
      <input
        id={id}
        class="switch"
        type="checkbox"
        role="switch"
        checked={on}
        disabled={disabled}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={(event) => onTurn(event.currentTarget.checked)}
      />
    </div>
  );
}
