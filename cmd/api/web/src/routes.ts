import type { Route } from "./lib/router";

/** routes are the pages, each a chunk that is loaded when it is opened. */
export const routes: Route[] = [
  { path: "/", load: () => import("./pages/feed"), full: true },
  { path: "/@:name", load: () => import("./pages/profile") },
  { path: "/v/:id", load: () => import("./pages/video"), full: true },
  { path: "/search", load: () => import("./pages/search") },
  { path: "/tag/:tag", load: () => import("./pages/tag") },
  { path: "/history", load: () => import("./pages/history"), member: true },
  { path: "/statistics", load: () => import("./pages/statistics"), member: true },
  { path: "/login", load: () => import("./pages/login") },
  { path: "/upload", load: () => import("./pages/upload"), member: true },
  { path: "/inbox", load: () => import("./pages/inbox"), member: true },
  { path: "/chat", load: () => import("./pages/chat"), member: true },
  { path: "/chat/:id", load: () => import("./pages/chat"), member: true },
  { path: "/settings", load: () => import("./pages/settings") },
];

/** missing is shown for every other address. */
export const missing: Route = { path: "", load: () => import("./pages/missing") };
