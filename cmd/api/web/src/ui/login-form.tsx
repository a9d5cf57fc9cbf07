import { useState } from "preact/hooks";
import { ApiError, errorText } from "../api/error";
import { t } from "../lib/i18n";
import { enter } from "../lib/session";
import { toast } from "../lib/toasts";
import { Button } from "./button";
import { displayName } from "./avatar";
import { Field, textError } from "./form";

interface LoginFormProps {
  kind: "login" | "register";
  onKind: (kind: "login" | "register") => void;
  onDone: () => void;
}

/** LoginForm logs in or registers: for the page /login and for the sheet over other pages. */
export function LoginForm({ kind, onKind, onDone }: LoginFormProps) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [isTried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const nameError = textError(name, 32);
  const passwordError = textError(password, 32);
  const code = error instanceof ApiError ? error.code : 0;

  const submit = async (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (busy || nameError || passwordError) return;
    setBusy(true);
    setError(null);
    try {
      const user = await enter(kind, name, password);
      toast(t("login.welcome", { name: displayName(user) }), "success");
      onDone();
    } catch (failed) {
      setError(failed);
    } finally {
      setBusy(false);
    }
  };

  // A new name that looks like another one, or like a name for the staff, is refused too.
  const isNameError = kind === "register" && (code === 10202 || code === 10002);
  const nameRefused = code === 10002 ? t("login.name.refused") : errorText(error);
  const isPasswordError = code === 10204;
  return (
    <form class="form" onSubmit={submit} noValidate>
      <Field
        label={t("login.name")}
        value={name}
        onValue={setName}
        error={(isTried && nameError) || (isNameError ? nameRefused : "")}
        hint={kind === "register" ? t("login.name.hint") : ""}
        name="username"
        autocomplete="username"
        autocapitalize="none"
        spellcheck={false}
        autofocus
      />
      <Field
        label={t("login.password")}
        type="password"
        value={password}
        onValue={setPassword}
        error={(isTried && passwordError) || (isPasswordError ? errorText(error) : "")}
        hint={kind === "register" ? t("login.password.hint") : ""}
        name="password"
        autocomplete={kind === "register" ? "new-password" : "current-password"}
      />
      {error !== null && !isNameError && !isPasswordError && (
        <p class="form-error" role="alert">
          {errorText(error)}
        </p>
      )}
      <Button look="primary" type="submit" busy={busy} wide>
        {t(kind === "register" ? "login.submit.register" : "login.submit")}
      </Button>
      <Button
        look="plain"
        wide
        onClick={() => {
          setError(null);
          setTried(false);
          onKind(kind === "register" ? "login" : "register");
        }}
      >
        {t(kind === "register" ? "login.to.login" : "login.to.register")}
      </Button>
    </form>
  );
}
