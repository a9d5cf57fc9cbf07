import { useCallback, useEffect, useState } from "preact/hooks";
import { api } from "../api/client";
import { ApiError, LoginCancelled, errorText } from "../api/error";
import type { Hint, Upload, User } from "../api/types";
import { epoch, patchUser, putUser, putUsers, useUser } from "../lib/entities";
import { useLatest, useList, useLoad } from "../lib/hooks";
import { count, t } from "../lib/i18n";
import { keepUp } from "../lib/keepup";
import { useKept, useTitle, type PageProps } from "../lib/router";
import { useMe } from "../lib/session";
import { useStore } from "../lib/store";
import { toast } from "../lib/toasts";
import { Avatar, displayName } from "../ui/avatar";
import { IconButton } from "../ui/button";
import { Confirm, Dialog } from "../ui/dialog";
import { Grid, idsOf, itself, tileSkeletons } from "../ui/grid";
import { AlertIcon, ChartIcon, ClockIcon, GridIcon, HeartIcon, SettingsIcon, TrashIcon, UserIcon, VideoIcon } from "../ui/icons";
import { FollowButton, PersonRow, peopleSkeletons } from "../ui/people";
import { Empty, Failed, ListEnd, Skeleton } from "../ui/states";
import { Tabs } from "../ui/tabs";

/** Profile is the page of an account: who they are, their videos and those they like. */
export default function Profile({ params, query }: PageProps) {
  const name = params["name"] ?? "";
  const round = useStore(epoch);
  const loaded = useLoad(
    "user",
    async () => {
      const user = await api.userByName(name);
      putUser(user);
      return user.id;
    },
    [name, round],
  );
  const user = useUser(loaded.value ?? 0);
  useTitle(user ? `${displayName(user)} (@${user.name})` : `@${name}`);
  if (user) return <Account key={user.id} user={user} list={query.get("list")} />;
  if (loaded.error instanceof ApiError && loaded.error.isMissing) {
    return (
      <Empty page icon={<UserIcon size={40} />} title={t("profile.missing")} text={t("profile.missing.text")}>
        <a class="button button-primary button-medium" href="/">
          {t("action.home")}
        </a>
      </Empty>
    );
  }
  if (loaded.error) return <Failed page error={loaded.error} retry={loaded.reload} />;
  return <ProfileSkeleton />;
}

type Sheet = "following" | "followers" | null;

// list is the sheet that a link opens.
function Account({ user, list }: { user: User; list: string | null }) {
  const me = useMe();
  const isOwn = user.id === me?.id;
  const [tab, setTab] = useKept<"videos" | "likes">("tab", "videos");
  const [sheet, setSheet] = useState<Sheet>(list === "following" || list === "followers" ? list : null);
  return (
    <div class="page page-wide profile">
      <div class={`profile-background tint-${user.id % 6}`}>
        {user.background_url && <img src={user.background_url} alt="" decoding="async" />}
      </div>
      <header class="profile-head">
        <Avatar user={user} size={96} />
        <div class="profile-names">
          <h1 class="profile-name">{displayName(user)}</h1>
          <p class="muted profile-handle">@{user.name}</p>
        </div>
        <div class="profile-actions">
          {isOwn ? (
            <>
              <a class="button button-secondary button-medium" href="/settings">
                {t("action.edit")}
              </a>
              {(
                [
                  ["/statistics", "nav.statistics", ChartIcon],
                  ["/history", "nav.history", ClockIcon],
                  ["/settings", "nav.settings", SettingsIcon],
                ] as const
              ).map(([href, key, Icon]) => (
                <a key={href} class="icon-button profile-link" href={href} aria-label={t(key)} title={t(key)}>
                  <Icon />
                </a>
              ))}
            </>
          ) : (
            <>
              <FollowButton user={user} />
              <a class="button button-secondary button-medium" href={`/chat/${user.id}`}>
                {t("action.message")}
              </a>
            </>
          )}
        </div>
      </header>
      {user.signature && <p class="profile-signature">{user.signature}</p>}
      <ul class="profile-counts">
        <li>
          <button type="button" class="profile-count" onClick={() => setSheet("following")}>
            <strong>{count(user.following_count)}</strong> <span>{t("profile.following")}</span>
          </button>
        </li>
        <li>
          <button type="button" class="profile-count" onClick={() => setSheet("followers")}>
            <strong>{count(user.follower_count)}</strong> <span>{t("profile.followers")}</span>
          </button>
        </li>
        <li class="profile-count">
          <strong>{count(user.likes_received_count)}</strong> <span>{t("profile.received")}</span>
        </li>
      </ul>
      <Tabs
        label={t("nav.profile")}
        selected={tab}
        onSelect={setTab}
        tabs={[
          { key: "videos", label: t("profile.videos"), icon: <GridIcon size={20} /> },
          { key: "likes", label: t("profile.likes"), icon: <HeartIcon size={20} /> },
        ]}
      >
        {tab === "videos" ? <Videos key="videos" user={user} isOwn={isOwn} /> : <Likes key="likes" user={user} isOwn={isOwn} />}
      </Tabs>
      {sheet && <PeopleSheet key={sheet} which={sheet} user={user} onClose={() => setSheet(null)} />}
    </div>
  );
}

function Videos({ user, isOwn }: { user: User; isOwn: boolean }) {
  const list = useList("videos", async (cursor) => idsOf(await api.userVideos(user.id, cursor)), itself);
  const uploads = useUploads(isOwn, list.refresh);
  const [asked, ask] = useState(0);
  // Coming back from the upload page finds the new video.
  useEffect(() => {
    if (isOwn && list.items.length > 0) list.refresh();
  }, []);

  const remove = async () => {
    try {
      await api.deleteVideo(asked);
      list.change((items) => items.filter((id) => id !== asked));
      patchUser(user.id, (u) => ({ ...u, video_count: Math.max(0, u.video_count - 1) }));
      toast(t("video.deleted"), "success");
    } catch (error) {
      // It was deleted elsewhere: the same to the viewer.
      if (error instanceof ApiError && error.isMissing) list.change((items) => items.filter((id) => id !== asked));
      else {
        if (!(error instanceof LoginCancelled)) toast(errorText(error), "error");
        throw error;
      }
    }
  };

  if (list.isEnd && list.items.length === 0 && uploads.length === 0) {
    return isOwn ? (
      <Empty icon={<VideoIcon size={40} />} title={t("profile.videos.empty.own")} text={t("profile.videos.empty.own.text")}>
        <a class="button button-primary button-medium" href="/upload">
          {t("nav.upload")}
        </a>
      </Empty>
    ) : (
      <Empty icon={<VideoIcon size={40} />} title={t("profile.videos.empty")} />
    );
  }
  return (
    <>
      <Grid
        list={list}
        before={uploads.map((upload) => (
          <UploadTile key={upload.video_id} upload={upload} onDelete={() => ask(upload.video_id)} />
        ))}
        onDelete={isOwn ? ask : undefined}
      />
      {asked !== 0 && (
        <Confirm
          title={t("video.delete")}
          text={t("video.delete.text")}
          action={t("action.delete")}
          onConfirm={remove}
          onClose={() => ask(0)}
        />
      )}
    </>
  );
}

function Likes({ user, isOwn }: { user: User; isOwn: boolean }) {
  const list = useList("likes", async (cursor) => idsOf(await api.userLikes(user.id, cursor)), itself);
  if (list.isEnd && list.items.length === 0) {
    return <Empty icon={<HeartIcon size={40} />} title={t(isOwn ? "profile.likes.empty.own" : "profile.likes.empty")} />;
  }
  return <Grid list={list} below="author" />;
}

// Asked for again while any upload moves on: hints tell of new states, not of percents.
const news = { about: ({ kind }: Hint) => kind === "upload", pace: () => 3000 };
const isMoving = (upload: Upload): boolean => upload.state === "uploaded" || upload.state === "processing";

// The viewer's uploads in work. When one is done, the videos are read anew.
function useUploads(isOwn: boolean, onDone: () => void): Upload[] {
  const [uploads, setUploads] = useState<Upload[]>([]);
  const latest = useLatest({ uploads, onDone });
  const refresh = useCallback(async () => {
    const { items } = await api.uploads();
    // A listed video is in the list of videos.
    const now = items.filter((upload) => !upload.is_listed);
    const ids = new Set(now.map((upload) => upload.video_id));
    if (latest.current.uploads.some((upload) => !ids.has(upload.video_id))) latest.current.onDone();
    setUploads(now);
  }, []);
  useEffect(() => {
    // The list below has an error of its own when the server is away.
    if (isOwn) refresh().catch(() => undefined);
  }, [isOwn, refresh]);
  const isAnyMoving = isOwn && uploads.some(isMoving);
  useEffect(() => (isAnyMoving ? keepUp(refresh, news) : undefined), [isAnyMoving, refresh]);
  return isOwn ? uploads : [];
}

function UploadTile({ upload, onDelete }: { upload: Upload; onDelete: () => void }) {
  const failed = upload.state === "failed";
  return (
    <li class="tile">
      <div class={`tile-work${failed ? " tile-failed" : ""}`}>
        {failed ? <AlertIcon size={28} /> : <span class="spinner" />}
        <strong role="status">{uploadState(upload)}</strong>
        {upload.state === "processing" && (
          <progress max={100} value={upload.progress} aria-label={upload.title}>
            {upload.progress} %
          </progress>
        )}
        {failed && <span class="tile-reason">{t("upload.failed.text")}</span>}
      </div>
      <p class="tile-title">{upload.title}</p>
      {failed && (
        <IconButton class="tile-delete" label={t("video.delete.label", { title: upload.title })} onClick={onDelete}>
          <TrashIcon size={18} />
        </IconButton>
      )}
    </li>
  );
}

// The state of an upload in words.
function uploadState(upload: Upload): string {
  switch (upload.state) {
    case "processing":
      return t("upload.state.processing", { n: upload.progress });
    case "ready":
      return t("upload.state.ready");
    case "failed":
      return t("upload.state.failed");
    default:
      return t("upload.state.uploaded");
  }
}

// Whom an account follows, and who follows it.
function PeopleSheet({ which, user, onClose }: { which: "following" | "followers"; user: User; onClose: () => void }) {
  const list = useList(
    null,
    async (cursor) => {
      const page = await (which === "following" ? api.following(user.id, cursor) : api.followers(user.id, cursor));
      return { items: putUsers(page.items), next_cursor: page.next_cursor };
    },
    itself,
  );
  return (
    <Dialog look="sheet" title={t(which === "following" ? "profile.following" : "profile.followers")} onClose={onClose}>
      <div class="people" tabIndex={0} role="region" aria-label={t(which === "following" ? "profile.following" : "profile.followers")}>
        {list.isEnd && list.items.length === 0 && (
          <Empty icon={<UserIcon size={40} />} title={t(which === "following" ? "profile.following.empty" : "profile.followers.empty")} />
        )}
        <ul>
          {list.items.map((id) => (
            <PersonRow key={id} id={id} />
          ))}
        </ul>
        <ListEnd list={list} skeleton={peopleSkeletons} />
      </div>
    </Dialog>
  );
}

function ProfileSkeleton() {
  return (
    <div class="page page-wide profile" aria-busy="true">
      <div class="profile-background skeleton" />
      <div class="profile-head">
        <Skeleton class="avatar avatar-96 skeleton-round" />
        <div class="profile-names">
          <Skeleton class="skeleton-line skeleton-name" />
        </div>
        <div class="profile-actions">
          <Skeleton class="skeleton-button" />
        </div>
      </div>
      <div class="profile-counts">
        <Skeleton class="skeleton-line skeleton-name" />
      </div>
      <div class="tabs" />
      <ul class="grid">{tileSkeletons}</ul>
      <h1 class="visually-hidden">{t("state.loading")}</h1>
    </div>
  );
}
