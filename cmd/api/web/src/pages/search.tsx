import { api } from "../api/client";
import type { Tag, TextSpan } from "../api/types";
import { putUser, putVideo } from "../lib/entities";
import { useDesktop, useList, useLoad, type List } from "../lib/hooks";
import { t, tn } from "../lib/i18n";
import { searchPath, searchTabs, tagPath, type SearchTab } from "../lib/paths";
import { go, useAgain, useTitle, type PageProps } from "../lib/router";
import { Grid } from "../ui/grid";
import { HashIcon, SearchIcon, UserIcon, VideoIcon } from "../ui/icons";
import { PersonRow, peopleSkeletons } from "../ui/people";
import { SearchBox } from "../ui/search-box";
import { Empty, Failed, ListEnd, Spinner } from "../ui/states";
import { Tabs } from "../ui/tabs";

const tabIcons = { videos: VideoIcon, users: UserIcon, tags: HashIcon };

/** SearchPage shows what was found for ?q=: videos, users or tags, as ?tab= says; without a text, the tags of the hour. */
export default function SearchPage({ query }: PageProps) {
  const q = (query.get("q") ?? "").trim();
  const tab = searchTabs.find((one) => one === query.get("tab")) ?? "videos";
  const desktop = useDesktop();
  const title = q ? t("search.results", { q }) : t("search.title");
  useTitle(title);
  return (
    <div class="page page-wide search">
      {/* The desktop has the field at the side, on each page. */}
      {!desktop && <SearchBox />}
      <h1 class={desktop ? "search-title" : "visually-hidden"}>{title}</h1>
      {q ? (
        <Tabs
          label={t("search.title")}
          selected={tab}
          onSelect={(next) => go(searchPath(q, next), true)}
          tabs={searchTabs.map((key) => {
            const Icon = tabIcons[key];
            return { key, label: t(`search.tab.${key}`), icon: <Icon size={20} /> };
          })}
        >
          <Found key={`${tab} ${q}`} tab={tab} q={q} />
        </Tabs>
      ) : (
        <Trending />
      )}
    </div>
  );
}

function Found({ tab, q }: { tab: SearchTab; q: string }) {
  switch (tab) {
    case "users":
      return <Users q={q} />;
    case "tags":
      return <TagList q={q} />;
    default:
      return <Videos q={q} />;
  }
}

// isNothing tells whether a list is complete and has nothing.
const isNothing = ({ isEnd, items }: Pick<List<unknown>, "isEnd" | "items">): boolean => isEnd && items.length === 0;

function Nothing({ q }: { q: string }) {
  return <Empty icon={<SearchIcon size={40} />} title={t("search.empty", { q })} text={t("search.empty.text")} />;
}

const idOf = ({ id }: { id: number }): number => id;

function Videos({ q }: { q: string }) {
  const list = useList<{ id: number; spans: TextSpan[] }>(
    `videos ${q}`,
    async (cursor) => {
      const { items, next_cursor } = await api.searchVideos(q, cursor);
      const hits = items.map(({ video, title_spans }) => {
        putVideo(video);
        return { id: video.id, spans: title_spans };
      });
      return { items: hits, next_cursor };
    },
    idOf,
  );
  useAgain(list.refresh);
  if (isNothing(list)) return <Nothing q={q} />;
  const spans = new Map(list.items.map((hit) => [hit.id, hit.spans]));
  return <Grid list={{ ...list, items: list.items.map(idOf), change: () => undefined }} below="both" spansOf={(id) => spans.get(id)} />;
}

function Users({ q }: { q: string }) {
  const list = useList<{ id: number; names: TextSpan[]; displayNames: TextSpan[] }>(
    `users ${q}`,
    async (cursor) => {
      const { items, next_cursor } = await api.searchUsers(q, cursor);
      const hits = items.map(({ user, name_spans, display_name_spans }) => {
        putUser(user);
        return { id: user.id, names: name_spans, displayNames: display_name_spans };
      });
      return { items: hits, next_cursor };
    },
    idOf,
  );
  useAgain(list.refresh);
  if (isNothing(list)) return <Nothing q={q} />;
  return (
    <div class="search-list">
      <ul aria-label={t("search.tab.users")}>
        {list.items.map(({ id, names, displayNames }) => (
          <PersonRow key={id} id={id} nameSpans={names} displayNameSpans={displayNames} />
        ))}
      </ul>
      <ListEnd list={list} skeleton={list.items.length === 0 ? peopleSkeletons : undefined} />
    </div>
  );
}

function TagList({ q }: { q: string }) {
  const list = useList(
    `tags ${q}`,
    (cursor) => api.searchTags(q, cursor),
    ({ name }) => name,
  );
  useAgain(list.refresh);
  if (isNothing(list)) return <Nothing q={q} />;
  return (
    <div class="search-list">
      <ul aria-label={t("search.tab.tags")}>
        {list.items.map((tag) => (
          <TagRow key={tag.name} tag={tag} />
        ))}
      </ul>
      <ListEnd list={list} skeleton={list.items.length === 0 ? peopleSkeletons : undefined} />
    </div>
  );
}

function TagRow({ tag }: { tag: Tag }) {
  return (
    <li>
      <a class="tag-row" href={tagPath(tag.name)}>
        <span class="tag-sign">
          <HashIcon size={22} />
        </span>
        <span class="person-texts">
          <span class="person-name">{tag.name}</span>
          <span class="muted person-handle">{tn("tag.videos", tag.video_count)}</span>
        </span>
      </a>
    </li>
  );
}

// What is asked for before anybody has typed.
function Trending() {
  const tags = useLoad("trending", () => api.trendingTags(), []);
  if (tags.value?.length === 0) {
    return <Empty icon={<SearchIcon size={40} />} title={t("search.begin")} text={t("search.begin.text")} />;
  }
  return (
    <section aria-labelledby="trending">
      <h2 id="trending" class="search-heading">
        {t("search.trending")}
      </h2>
      {tags.value ? (
        <ul class="tag-grid">
          {tags.value.map((tag) => (
            <TagRow key={tag.name} tag={tag} />
          ))}
        </ul>
      ) : tags.error ? (
        <Failed error={tags.error} retry={tags.reload} />
      ) : (
        <Spinner />
      )}
    </section>
  );
}
