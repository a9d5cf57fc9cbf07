import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api/client";
import { ApiError, LoginCancelled, errorText } from "../api/error";
import type { User } from "../api/types";
import { t } from "../lib/i18n";
import { setMyUser } from "../lib/session";
import { toast } from "../lib/toasts";
import { Avatar } from "../ui/avatar";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Field, TextArea, length } from "../ui/form";

const maxName = 32;
const maxSignature = 80;

/** ProfileForm edits what others see of the viewer's account. */
export function ProfileForm({ me }: { me: User }) {
  const ownName = me.display_name === me.name ? "" : me.display_name;
  const [name, setName] = useState(ownName);
  const [signature, setSignature] = useState(me.signature);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const isChanged = name.trim() !== ownName || signature.trim() !== me.signature;
  const isLong = length(name) > maxName || length(signature) > maxSignature;
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy || !isChanged || isLong) return;
    setBusy(true);
    setError(null);
    try {
      const saved = await api.updateProfile({ display_name: name.trim(), signature: signature.trim() });
      setMyUser(saved);
      setName(saved.display_name === saved.name ? "" : saved.display_name);
      setSignature(saved.signature);
      toast(t("settings.saved"), "success");
    } catch (failed) {
      if (!(failed instanceof LoginCancelled)) setError(failed);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="form" onSubmit={submit} noValidate>
      <Pictures me={me} />
      <Field
        label={t("settings.name")}
        value={name}
        onValue={setName}
        placeholder={me.name}
        hint={t("settings.name.hint", { name: me.name })}
        error={length(name) > maxName ? `${length(name)} / ${maxName}` : ""}
        name="display_name"
        autocomplete="nickname"
      />
      <TextArea label={t("settings.signature")} value={signature} onValue={setSignature} max={maxSignature} rows={2} placeholder={t("settings.signature.hint")} />
      {error !== null && (
        <p class="form-error" role="alert">
          {error instanceof ApiError && error.code === 10002 ? t("settings.refused") : errorText(error)}
        </p>
      )}
      <div class="settings-actions">
        <Button look="primary" type="submit" busy={busy} disabled={!isChanged || isLong}>
          {t("action.save")}
        </Button>
      </div>
    </form>
  );
}

type Which = "avatar" | "background";

// What the server takes: see PictureRequest of the API.
const pictureTypes = ["image/jpeg", "image/png", "image/gif", "image/webp"];
const maxPictureBytes = 8 * 1024 * 1024;

function Pictures({ me }: { me: User }) {
  const [chosen, setChosen] = useState<{ which: Which; file: File } | null>(null);
  const choose = (which: Which, file: File | undefined) => {
    if (!file) return;
    if (!pictureTypes.includes(file.type)) toast(t("settings.picture.type"), "error");
    else if (file.size > maxPictureBytes) toast(t("settings.picture.size"), "error");
    else setChosen({ which, file });
  };
  return (
    <div class="pictures">
      <div class="pictures-background">{me.background_url && <img src={me.background_url} alt="" />}</div>
      <div class="pictures-avatar">
        <Avatar user={me} size={96} />
      </div>
      <div class="pictures-rows">
        <PictureRow which="avatar" onChoose={choose} />
        <PictureRow which="background" onChoose={choose} />
      </div>
      {chosen && <PictureDialog which={chosen.which} file={chosen.file} onClose={() => setChosen(null)} />}
    </div>
  );
}

function PictureRow({ which, onChoose }: { which: Which; onChoose: (which: Which, file: File | undefined) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const remove = async () => {
    setBusy(true);
    try {
      setMyUser(await api.deletePicture(which));
      toast(t("settings.picture.removed"), "success");
    } catch (error) {
      if (!(error instanceof LoginCancelled)) toast(errorText(error), "error");
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="settings-row">
      <span>{t(`settings.${which}`)}</span>
      <div class="settings-row-buttons">
        <Button size="small" look="plain" busy={busy} onClick={() => void remove()} aria-label={t(`settings.${which}.remove`)}>
          {t("settings.picture.remove")}
        </Button>
        <Button size="small" onClick={() => input.current?.click()} aria-label={t(`settings.${which}.change`)}>
          {t("settings.picture.change")}
        </Button>
      </div>
      <input
        ref={input}
        type="file"
        accept={pictureTypes.join()}
        class="visually-hidden"
        tabIndex={-1}
        aria-label={t(`settings.${which}.change`)}
        onChange={(event) => {
          onChoose(which, event.currentTarget.files?.[0]);
          event.currentTarget.value = "";
        }}
      />
    </div>
  );
}

// PictureDialog shows a chosen picture as it will be cut, before it is sent.
function PictureDialog({ which, file, onClose }: { which: Which; file: File; onClose: () => void }) {
  const [url, setUrl] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [isBroken, setBroken] = useState(false);
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      setMyUser(await api.setPicture(which, file));
      toast(t("settings.saved"), "success");
      onClose();
    } catch (failed) {
      if (!(failed instanceof LoginCancelled)) setError(failed);
      setBusy(false);
    }
  };
  return (
    <Dialog title={t(`settings.${which}`)} onClose={onClose}>
      <div class={`picture-preview picture-preview-${which}`}>
        {url && <img src={url} alt={t("settings.picture.preview")} onError={() => setBroken(true)} />}
      </div>
      {(isBroken || error !== null) && (
        <p class="form-error" role="alert">
          {isBroken ? t("error.10207") : errorText(error)}
        </p>
      )}
      <div class="dialog-actions">
        <Button onClick={onClose}>{t("action.cancel")}</Button>
        <Button look="primary" busy={busy} disabled={isBroken} onClick={() => void save()}>
          {t("action.save")}
        </Button>
      </div>
    </Dialog>
  );
}
