import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, LoginCancelled, errorText } from "../api/error";
import type { Upload as UploadWork } from "../api/types";
import { maxUploadBytes, maxUploadMs } from "../lib/facts";
import { useMedia } from "../lib/hooks";
import { bytes, duration, percent, t } from "../lib/i18n";
import { keepUp } from "../lib/keepup";
import { useKept, useTitle } from "../lib/router";
import { useMe } from "../lib/session";
import { useStore } from "../lib/store";
import { toast } from "../lib/toasts";
import { Button, IconButton } from "../ui/button";
import { TextArea, length, textError } from "../ui/form";
import { AlertIcon, CheckIcon, CloseIcon, UploadIcon, VideoIcon } from "../ui/icons";
import { cancelTransfer, dropFailed, ownWork, refreshWork, startTransfer, transfer, work, type Transfer } from "../upload/state";

const maxTitle = 100;
// Hints tell of new states, not of percents.
const pace = (isLive: boolean): number => (work.get().uploads.some(({ state }) => state !== "failed") ? 2000 : isLive ? 30_000 : 10_000);

// Browsers do not know the types of all files that the server takes.
const endings = /\.(mp4|m4v|mov|webm|mkv|avi|3gp|ts|flv|mpe?g)$/i;

// fileError is what is wrong with a chosen file, before anything is sent.
function fileError(file: File): string {
  if (!file.type.startsWith("video/") && !endings.test(file.name)) return t("upload.error.type");
  if (file.size === 0) return t("upload.error.empty");
  if (file.size > maxUploadBytes) return t("upload.error.size", { size: bytes(file.size), max: bytes(maxUploadBytes) });
  return "";
}

/** Upload publishes a video: choose, look, name, send, and follow it until everybody can see it. */
export default function Upload() {
  useTitle(t("nav.upload"));
  const me = useMe();
  const owner = me?.id ?? 0;
  const [file, setFile] = useKept<File | null>("file", null);
  const [error, setError] = useState("");
  const sending = useStore(transfer);
  ownWork(owner);

  const choose = (chosen: File | undefined) => {
    if (!chosen) return;
    const wrong = fileError(chosen);
    setError(wrong);
    if (!wrong) setFile(chosen);
  };
  return (
    <div class="page">
      <h1 class="page-title">{t("upload.title")}</h1>
      {sending ? (
        <Sending now={sending} />
      ) : file ? (
        <Draft
          key={`${file.name} ${file.size} ${file.lastModified}`}
          file={file}
          onChoose={choose}
          onDrop={() => setFile(null)}
          onSend={(title) => {
            startTransfer(owner, file, title);
            setFile(null);
          }}
          error={error}
        />
      ) : (
        <Chooser onChoose={choose} error={error} />
      )}
      <Works />
    </div>
  );
}

function Chooser({ onChoose, error }: { onChoose: (file: File | undefined) => void; error: string }) {
  const [isOver, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const isTouch = useMedia("(pointer: coarse)");
  return (
    <div
      class={`drop${isOver ? " drop-over" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        onChoose(event.dataTransfer?.files[0]);
      }}
    >
      <span class="empty-icon">
        <UploadIcon size={40} />
      </span>
      <p class="drop-title">{t(isTouch ? "upload.pick" : "upload.drop")}</p>
      <p class="muted drop-limits">{limits()}</p>
      <Button look="primary" onClick={() => input.current?.click()}>
        {t("upload.choose")}
      </Button>
      <FileInput input={input} onChoose={onChoose} />
      {error && (
        <p class="form-error" role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

// limits says beforehand what is taken.
function limits(): string {
  const words = [t("upload.kinds")];
  if (Number.isFinite(maxUploadBytes)) words.push(t("upload.max.size", { max: bytes(maxUploadBytes) }));
  if (Number.isFinite(maxUploadMs)) words.push(t("upload.max.length", { max: duration(maxUploadMs) }));
  // Lines break between the limits, not within one.
  return words.map((word) => word.replaceAll(" ", "\u00a0")).join(" · ");
}

function FileInput({ input, onChoose }: { input: { current: HTMLInputElement | null }; onChoose: (file: File | undefined) => void }) {
  return (
    <input
      ref={input}
      type="file"
      accept="video/*,.mkv,.mov,.avi"
      class="visually-hidden"
      tabIndex={-1}
      aria-label={t("upload.choose")}
      onChange={(event) => {
        onChoose(event.currentTarget.files?.[0]);
        event.currentTarget.value = "";
      }}
    />
  );
}

interface DraftProps {
  file: File;
  error: string;
  onChoose: (file: File | undefined) => void;
  onDrop: () => void;
  onSend: (title: string) => void;
}

// Draft is a chosen file that is not sent yet.
function Draft({ file, error, onChoose, onDrop, onSend }: DraftProps) {
  const [title, setTitle] = useKept("title", "");
  const [isTried, setTried] = useState(false);
  const [url, setUrl] = useState("");
  const [lengthMs, setLength] = useState(0);
  const [isShown, setShown] = useState(true);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  const titleError = textError(title, maxTitle);
  const lengthError = lengthMs > maxUploadMs ? t("upload.error.length", { length: duration(lengthMs), max: duration(maxUploadMs) }) : "";
  const submit = (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (titleError || lengthError) return;
    setTitle("");
    onSend(title.trim());
  };
  return (
    <form class="draft" onSubmit={submit} noValidate>
      <div class="draft-preview">
        {url && isShown ? (
          <video
            src={url}
            controls
            muted
            playsInline
            preload="metadata"
            aria-label={t("upload.preview")}
            onLoadedMetadata={(event) => {
              const { duration: seconds, videoWidth } = event.currentTarget;
              if (Number.isFinite(seconds)) setLength(seconds * 1000);
              if (videoWidth === 0) setShown(false);
            }}
            onError={() => setShown(false)}
          />
        ) : (
          <div class="draft-none">
            <VideoIcon size={40} />
            {!isShown && <p>{t("upload.preview.none")}</p>}
          </div>
        )}
      </div>
      <div class="draft-side">
        <div class="draft-file">
          <div class="draft-words">
            <p class="draft-name">{file.name}</p>
            <p class="muted">
              {bytes(file.size)}
              {lengthMs > 0 && ` · ${duration(lengthMs)}`}
            </p>
          </div>
          <IconButton label={t("upload.remove")} onClick={onDrop}>
            <CloseIcon size={20} />
          </IconButton>
        </div>
        <div>
          <TextArea
            label={t("upload.name")}
            placeholder={t("upload.name.placeholder")}
            value={title}
            onValue={setTitle}
            max={maxTitle}
            rows={3}
            autofocus
            error={isTried ? titleError : ""}
            name="title"
          />
          {length(title) <= maxTitle * 0.8 && !(isTried && titleError) && <p class="field-hint draft-count">{`${length(title)} / ${maxTitle}`}</p>}
        </div>
        {(lengthError || error) && (
          <p class="form-error" role="alert">
            {lengthError || error}
          </p>
        )}
        <div class="draft-actions">
          <Button onClick={() => input.current?.click()}>{t("upload.other")}</Button>
          <Button look="primary" type="submit" disabled={lengthError !== ""}>
            {t("upload.publish")}
          </Button>
        </div>
        <FileInput input={input} onChoose={onChoose} />
      </div>
    </form>
  );
}

// Sending shows how much of the file is sent; in the end the server looks at it.
function Sending({ now }: { now: Transfer }) {
  const share = now.size > 0 ? Math.min(1, now.sent / now.size) : 0;
  if (now.state === "failed") {
    return (
      <div class="card" role="alert">
        <p class="work-title">{now.title}</p>
        <p class="form-error">{now.error ? errorText(now.error) : t("error.10003")}</p>
        {now.error instanceof ApiError && now.error.isOffline && <p class="muted">{t("upload.interrupted")}</p>}
        <div class="card-actions">
          <Button onClick={cancelTransfer}>{t("action.cancel")}</Button>
          <Button look="primary" onClick={() => startTransfer(now.owner, now.file, now.title)}>
            {t("action.retry")}
          </Button>
        </div>
      </div>
    );
  }
  return (
    <div class="card">
      <p class="work-title">{now.title}</p>
      <Meter share={share} label={t("upload.sending")} />
      <div class="card-line">
        <p class="muted">{share < 1 ? t("upload.sent", { sent: bytes(now.sent), size: bytes(now.size) }) : t("upload.checking")}</p>
        <p class="work-percent">{percent(share)}</p>
      </div>
      <p class="muted">{t("upload.stay")}</p>
      <div class="card-actions">
        <Button onClick={cancelTransfer}>{t("action.cancel")}</Button>
      </div>
    </div>
  );
}

function Meter({ share, label }: { share: number; label: string }) {
  return (
    <div class="meter" role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(share * 100)}>
      <div class="meter-done" style={{ transform: `scaleX(${share})` }} />
    </div>
  );
}

// Works are the files that the server works on, and those that are done since the page was opened.
function Works() {
  const { uploads, done, owner } = useStore(work);
  useEffect(() => {
    if (owner === 0) return;
    void refreshWork().catch(() => undefined);
    return keepUp(refreshWork, { about: ({ kind }) => kind === "upload", pace });
  }, [owner]);
  if (uploads.length === 0 && done.length === 0) return null;
  return (
    <section class="works" aria-label={t("upload.works")}>
      <h2>{t("upload.works")}</h2>
      <ul>
        {done.map((upload) => (
          <li key={upload.video_id} class="card work">
            <span class="work-icon work-icon-good">
              <CheckIcon />
            </span>
            <div class="work-words">
              <p class="work-title">{upload.title}</p>
              <p class="muted" role="status">
                {t("upload.listed")}
              </p>
            </div>
            <a class="button button-secondary button-small" href={`/v/${upload.video_id}`}>
              {t("upload.watch")}
            </a>
          </li>
        ))}
        {uploads.map((upload) => (
          <WorkRow key={upload.video_id} upload={upload} />
        ))}
      </ul>
    </section>
  );
}

function WorkRow({ upload }: { upload: UploadWork }) {
  const [busy, setBusy] = useState(false);
  const isFailed = upload.state === "failed";
  const drop = async () => {
    setBusy(true);
    try {
      await dropFailed(upload);
    } catch (error) {
      if (!(error instanceof LoginCancelled)) toast(errorText(error), "error");
      setBusy(false);
    }
  };
  return (
    <li class="card work">
      <span class={`work-icon${isFailed ? " work-icon-bad" : ""}`}>{isFailed ? <AlertIcon /> : <span class="spinner spinner-small" />}</span>
      <div class="work-words">
        <p class="work-title">{upload.title}</p>
        <p class="muted" role="status">
          {isFailed
            ? t("upload.failed", { reason: upload.reason || t("error.unknown") })
            : upload.state === "processing"
              ? t("upload.state.processing", { n: upload.progress })
              : t("upload.state.uploaded")}
        </p>
        {upload.state === "processing" && <Meter share={upload.progress / 100} label={t("upload.state.processing", { n: upload.progress })} />}
      </div>
      {isFailed && (
        <Button size="small" busy={busy} onClick={() => void drop()}>
          {t("action.delete")}
        </Button>
      )}
    </li>
  );
}
