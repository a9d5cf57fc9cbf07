import { render } from "preact";
import "./styles/app.css";
import { App, openPage, prefetchPages } from "./app";
import { language, loadLanguage } from "./lib/i18n";
import { startRouter } from "./lib/router";
import { loadViewer } from "./lib/session";

// The texts, the first page and the account are fetched at the same time.
startRouter();
void loadViewer();
void Promise.all([loadLanguage(language.get()), openPage()]).then(() => {
  const root = document.getElementById("app");
  if (root) render(<App />, root);
  prefetchPages();
});
