import { useState } from "preact/hooks";
import { api } from "../api/client";
import { ApiError, LoginCancelled, errorText } from "../api/error";
import { t } from "../lib/i18n";
import { toast } from "../lib/toasts";
import { Button } from "../ui/button";
import { Field, textError } from "../ui/form";

const maxPassword = 32;
const wrongPassword = 10203;
const commonPassword = 10204;

/** PasswordForm replaces the password; the other sessions end with it. */
export function PasswordForm({ name, onDone }: { name: string; onDone: () => void }) {
  const [old, setOld] = useState("");
  const [fresh, setFresh] = useState("");
  const [isTried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const code = error instanceof ApiError ? error.code : 0;
  const oldError = textError(old, maxPassword);
  const freshError = textError(fresh, maxPassword) || (fresh === old ? t("settings.password.same") : "");
  const submit = async (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (busy || oldError || freshError) return;
    setBusy(true);
    setError(null);
    try {
      await api.changePassword(old, fresh);
      setOld("");
      setFresh("");
      setTried(false);
      toast(t("settings.password.changed"), "success");
      onDone();
    } catch (failed) {
      if (!(failed instanceof LoginCancelled)) setError(failed);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="form" onSubmit={submit} noValidate>
      {/* For password managers: whose password it is. */}
      <input class="visually-hidden" type="text" name="username" autocomplete="username" value={name} readOnly tabIndex={-1} aria-hidden="true" />
      <Field
        label={t("settings.password.old")}
        type="password"
        value={old}
        onValue={setOld}
        error={(isTried && oldError) || (code === wrongPassword ? t("settings.password.wrong") : "")}
        name="old_password"
        autocomplete="current-password"
      />
      <Field
        label={t("settings.password.new")}
        type="password"
        value={fresh}
        onValue={setFresh}
        error={(isTried && freshError) || (code === commonPassword ? errorText(error) : "")}
        hint={t("login.password.hint")}
        name="new_password"
        autocomplete="new-password"
      />
      {error !== null && code !== wrongPassword && code !== commonPassword && (
        <p class="form-error" role="alert">
          {errorText(error)}
        </p>
      )}
      <p class="field-hint">{t("settings.password.hint")}</p>
      <div class="settings-actions">
        <Button type="submit" look="primary" busy={busy}>
          {t("settings.password.change")}
        </Button>
      </div>
    </form>
  );
}
