import type { Route } from "./lib/router";

/** routes are the pages, each a chunk that is loaded when it is opened. */
export const routes: Route[] = [
  { path: "/", load: () => import("./pages/feed"), full: true },
  { path: "/@:name", load: () => import("./pages/profile") },
  { path: "/v/:id", load: () => import("./pages/video"), full: true },
];

/** missing is shown for every other address. */
export const missing: Route = { path: "", load: () => import("./pages/missing") };
