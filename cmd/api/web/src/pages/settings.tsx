import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { api } from "../api/client";
import { errorText } from "../api/error";
import type { Session, User } from "../api/types";
import { version } from "../lib/facts";
import { useList } from "../lib/hooks";
import { language, setLanguage, t } from "../lib/i18n";
import { go, useTitle } from "../lib/router";
import type { Language, Theme } from "../lib/saved";
import { leave, useMe, useViewer } from "../lib/session";
import { setTheme, useTheme } from "../lib/theme";
import { toast } from "../lib/toasts";
import { Notices } from "../settings/notices";
import { PasswordForm } from "../settings/password";
import { ProfileForm } from "../settings/profile";
import { Sessions } from "../settings/sessions";
import { profilePath } from "../ui/avatar";
import { Button } from "../ui/button";
import { Spinner } from "../ui/states";

/** Settings is the page of the own account, and of how the client looks; visitors have the second part. */
export default function Settings() {
  useTitle(t("nav.settings"));
  const viewer = useViewer();
  const me = useMe();
  return (
    <div class="page settings">
      <div class="settings-head">
        <h1 class="page-title">{t("nav.settings")}</h1>
        {me && (
          <a class="link" href={profilePath(me)}>
            {t("settings.profile.show")}
          </a>
        )}
      </div>
      {viewer.kind === "unknown" && <Spinner />}
      {me && <Section title={t("settings.profile")}>{<ProfileForm key={me.id} me={me} />}</Section>}
      <Section title={t("settings.look")}>
        <Look />
      </Section>
      {me && <Account key={me.id} me={me} />}
      {viewer.kind === "visitor" && (
        <Section title={t("settings.account")}>
          <p class="muted">{t("login.needed.text")}</p>
          <div class="settings-actions">
            <a class="button button-primary button-medium" href="/login">
              {t("nav.login")}
            </a>
          </div>
        </Section>
      )}
      <Section title={t("settings.about")}>
        <About />
      </Section>
    </div>
  );
}

function Section({ title, children }: { title: string; children: ComponentChildren }) {
  const id = useId();
  return (
    <section class="settings-section" aria-labelledby={id}>
      <h2 id={id} class="settings-title">
        {title}
      </h2>
      <div class="card">{children}</div>
    </section>
  );
}

function Account({ me }: { me: User }) {
  const sessions = useList<Session>(null, () => api.sessions(), (session) => session.id);
  const [busy, setBusy] = useState(false);
  const logout = async () => {
    setBusy(true);
    try {
      await leave();
      go("/");
    } catch (error) {
      toast(errorText(error), "error");
      setBusy(false);
    }
  };
  return (
    <>
      <Section title={t("settings.notices")}>
        <Notices />
      </Section>
      <Section title={t("settings.sessions")}>
        <Sessions list={sessions} />
      </Section>
      <Section title={t("settings.password")}>
        <PasswordForm name={me.name} onDone={sessions.refresh} />
      </Section>
      <Section title={t("settings.account")}>
        <div class="settings-row">
          <span>{t("settings.account.is", { name: me.name })}</span>
          <Button busy={busy} onClick={() => void logout()}>
            {t("nav.logout")}
          </Button>
        </div>
      </Section>
    </>
  );
}

const languages: [Language, string][] = [
  ["en", "English"],
  ["zh", "中文"],
];
const themes: Theme[] = ["system", "light", "dark"];

function Look() {
  const theme = useTheme();
  return (
    <>
      <Choice
        label={t("settings.language")}
        name="language"
        options={languages.map(([value, text]) => ({ value, text }))}
        selected={language.get()}
        onSelect={(value) => void setLanguage(value)}
      />
      <Choice
        label={t("settings.theme")}
        name="theme"
        options={themes.map((value) => ({ value, text: t(`settings.theme.${value}`) }))}
        selected={theme}
        onSelect={setTheme}
      />
    </>
  );
}

interface ChoiceProps<V extends string> {
  label: string;
  name: string;
  options: { value: V; text: string }[];
  selected: V;
  onSelect: (value: V) => void;
}

// Choice is one of a few, side by side.
function Choice<V extends string>({ label, name, options, selected, onSelect }: ChoiceProps<V>) {
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      <div class="choice-options">
        {options.map(({ value, text }) => (
          <label key={value} class="choice-option">
            <input type="radio" name={name} value={value} checked={value === selected} onChange={() => onSelect(value)} />
            <span>{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function About() {
  return (
    <ul class="settings-links">
      <li>
        <a class="link" href="/docs">
          {t("settings.about.docs")}
        </a>
      </li>
      <li>
        <a class="link" href="/licences.txt">
          {t("settings.about.licences")}
        </a>
      </li>
      {version && <li class="muted">{t("settings.about.version", { version })}</li>}
    </ul>
  );
}
