import { useEffect } from "preact/hooks";
import { Switches } from "../layout";
import { useDesktop } from "../lib/hooks";
import { t } from "../lib/i18n";
import { back, go, useKept, useTitle, type PageProps } from "../lib/router";
import { useViewer } from "../lib/session";
import { LogoIcon } from "../ui/icons";
import { LoginForm } from "../ui/login-form";

// leave goes to where the query says, else to where one was. Only to addresses of this client: a link must not lead elsewhere.
function leave(query: URLSearchParams): void {
  const to = query.get("to");
  if (to === null) return back();
  try {
    const url = new URL(to, location.origin);
    if (url.origin === location.origin && !url.pathname.startsWith("/login")) return go(url.pathname + url.search, true);
  } catch {
    // Not an address.
  }
  go("/", true);
}

/** Login logs in or registers, and goes back to where one was. */
export default function Login({ query }: PageProps) {
  const [kind, setKind] = useKept<"login" | "register">("kind", query.has("new") ? "register" : "login");
  const title = t(kind === "login" ? "login.title" : "login.register");
  useTitle(title);
  const desktop = useDesktop();
  const viewer = useViewer();
  const isMember = viewer.kind === "member";
  useEffect(() => {
    if (isMember) leave(query);
  }, [isMember]);
  return (
    <div class="login">
      <div class="login-box">
        <LogoIcon size={56} />
        <h1>{title}</h1>
        <p class="muted">{t("app.tagline")}</p>
        <LoginForm kind={kind} onKind={setKind} onDone={() => undefined} />
        {!desktop && <Switches />}
      </div>
    </div>
  );
}
