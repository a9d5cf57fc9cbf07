import { useState } from "preact/hooks";
import { t } from "../lib/i18n";
import { closeLogin, loginSheet } from "../lib/session";
import { useStore } from "../lib/store";
import { Dialog } from "./dialog";
import { LoginForm } from "./login-form";

/** LoginSheet asks to log in over the page that is open; afterwards the action that needed it goes on. */
export function LoginSheet() {
  const reason = useStore(loginSheet);
  const [kind, setKind] = useState<"login" | "register">("login");
  if (!reason) return null;
  return (
    <Dialog
      title={t(reason === "expired" ? "login.again" : kind === "login" ? "login.needed" : "login.register")}
      onClose={() => closeLogin(false)}
    >
      <p class="muted dialog-lead">{t(reason === "expired" ? "login.again.text" : "login.needed.text")}</p>
      <LoginForm kind={kind} onKind={setKind} onDone={() => closeLogin(true)} />
    </Dialog>
  );
}
