import { api } from "../api/client";
import { LoginCancelled } from "../api/error";
import { UploadCancelled, sendVideo, type Sending } from "../api/upload";
import type { Upload } from "../api/types";
import { createStore } from "../lib/store";

/** Transfer is a file on its way to the server, one at a time. It goes on while other pages are looked at. */
export interface Transfer {
  owner: number;
  title: string;
  name: string;
  sent: number;
  size: number;
  state: "sending" | "failed";
  error: unknown;
  file: File;
}

export const transfer = createStore<Transfer | null>(null);

/** Work is what the server does with the viewer's files; done are those of this visit that everybody can see now. */
export interface Work {
  owner: number;
  uploads: Upload[];
  done: Upload[];
}

export const work = createStore<Work>({ owner: 0, uploads: [], done: [] });

/** ownWork begins anew when another account uses the page. */
export function ownWork(owner: number): void {
  // While the login sheet lies over the page nobody is logged in: it may be the same account again.
  if (owner === 0) return;
  if (work.get().owner !== owner) work.set({ owner, uploads: [], done: [] });
  const now = transfer.get();
  if (now && now.owner !== owner) cancelTransfer();
}

let sending: Sending | null = null;

// The browser asks before the page is left: the file would have to be sent again.
const warn = (event: BeforeUnloadEvent): void => event.preventDefault();

/** startTransfer sends a file. */
export function startTransfer(owner: number, file: File, title: string): void {
  transfer.set({ owner, title, name: file.name, sent: 0, size: file.size, state: "sending", error: null, file });
  addEventListener("beforeunload", warn);
  const mine = sendVideo(file, title, (sent, size) =>
    transfer.update((now) => (now && sending === mine ? { ...now, sent, size } : now)),
  );
  sending = mine;
  mine.done
    .then(
      (upload) => {
        transfer.set(null);
        work.update((now) =>
          upload.is_listed
            ? { ...now, done: [upload, ...now.done] }
            : { ...now, uploads: [upload, ...now.uploads.filter((one) => one.video_id !== upload.video_id)] },
        );
      },
      (error: unknown) => {
        if (sending !== mine) return;
        if (error instanceof UploadCancelled) transfer.set(null);
        else transfer.update((now) => now && { ...now, state: "failed", error: error instanceof LoginCancelled ? null : error });
      },
    )
    .then(() => {
      if (sending === mine) sending = null;
      if (!sending) removeEventListener("beforeunload", warn);
    });
}

/** cancelTransfer stops sending, or forgets a file that could not be sent. */
export function cancelTransfer(): void {
  sending?.cancel();
  transfer.set(null);
}

/** refreshWork asks how far the server is. What was worked on and is not any more is listed, or was deleted. */
export async function refreshWork(): Promise<void> {
  const before = work.get();
  const { items } = await api.uploads();
  const ids = new Set(items.map((upload) => upload.video_id));
  const gone = before.uploads.filter((upload) => !ids.has(upload.video_id) && upload.state !== "failed");
  const found = await Promise.all(gone.map((upload) => api.video(upload.video_id).then(() => [upload], () => [])));
  // A video that is listed may still get further sizes; nobody has to wait for these.
  const listed = [...items.filter((upload) => upload.is_listed), ...found.flat()];
  work.update((now) => {
    if (now.owner !== before.owner) return now;
    const known = new Set(now.done.map((upload) => upload.video_id));
    // One that was sent while this was asked is not in the answer, and not finished either.
    const recent = now.uploads.filter((upload) => !before.uploads.includes(upload) && !ids.has(upload.video_id));
    return {
      owner: now.owner,
      uploads: [...recent, ...items.filter((upload) => !upload.is_listed)],
      done: [...listed.filter((upload) => !known.has(upload.video_id)), ...now.done],
    };
  });
}

/** dropFailed deletes an upload that cannot be published. */
export async function dropFailed(upload: Upload): Promise<void> {
  await api.deleteVideo(upload.video_id);
  work.update((now) => ({ ...now, uploads: now.uploads.filter((one) => one.video_id !== upload.video_id) }));
}
