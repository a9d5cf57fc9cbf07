import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError, errorText } from "../api/error";
import { t } from "../lib/i18n";
import { useVisible } from "../lib/hooks";
import type { List } from "../lib/hooks";
import { Button } from "./button";
import { AlertIcon, OfflineIcon } from "./icons";

interface EmptyProps {
  icon?: ComponentChildren;
  title: string;
  text?: string;
  /** The page has no other heading. */
  page?: boolean | undefined;
  children?: ComponentChildren;
}

/** Empty is the state of a page or list that has nothing to show: why, and what to do. */
export function Empty({ icon, title, text, page = false, children }: EmptyProps) {
  const Heading = page ? "h1" : "h2";
  return (
    <div class="empty">
      {icon && <div class="empty-icon">{icon}</div>}
      <Heading class="empty-title">{title}</Heading>
      {text && <p class="empty-text">{text}</p>}
      {children && <div class="empty-actions">{children}</div>}
    </div>
  );
}

/** Failed is the state of a page or list that could not be loaded, with a way to try again. */
export function Failed({ error, retry, page }: { error: unknown; retry: () => void; page?: boolean }) {
  const isOffline = error instanceof ApiError && error.isOffline;
  return (
    <div role="alert">
      <Empty
        icon={isOffline ? <OfflineIcon size={40} /> : <AlertIcon size={40} />}
        title={t("state.error")}
        text={errorText(error)}
        page={page}
      >
        <Button onClick={retry}>{t("action.retry")}</Button>
      </Empty>
    </div>
  );
}

/** Spinner shows that something is loading, once that takes longer than a blink. */
export function Spinner({ label = t("state.loading") }: { label?: string }) {
  const [isShown, show] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => show(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="spinner-row" role="status">
      {isShown && <span class="spinner" />}
      <span class="visually-hidden">{label}</span>
    </div>
  );
}

/** Skeleton is a grey shape where content will be; it has that content's size, so that nothing moves. */
export const Skeleton = ({ class: name = "" }: { class?: string }) => <span class={`skeleton ${name}`} aria-hidden="true" />;

/** ListEnd stands below the items of a list: it asks for more when it comes near, and shows loading and errors. */
export function ListEnd<T>({ list, skeleton }: { list: List<T>; skeleton?: ComponentChildren }) {
  const end = useVisible<HTMLDivElement>(() => {
    if (!list.error) list.more();
  });
  return (
    <div ref={end} class="list-end">
      {list.error ? <Failed error={list.error} retry={list.more} /> : list.isLoading ? (skeleton ?? <Spinner />) : null}
    </div>
  );
}
