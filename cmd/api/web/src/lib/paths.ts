/** SearchTab is what is searched. */
export type SearchTab = "videos" | "users" | "tags";
export const searchTabs: readonly SearchTab[] = ["videos", "users", "tags"];

/** searchPath is the address of what is found for a text. */
export function searchPath(q: string, tab: SearchTab = "videos"): string {
  const query = new URLSearchParams({ ...(q ? { q } : {}), ...(tab === "videos" ? {} : { tab }) }).toString();
  return query ? `/search?${query}` : "/search";
}

/** tagPath is the address of a tag's page. */
export const tagPath = (tag: string): string => `/tag/${encodeURIComponent(tag)}`;
