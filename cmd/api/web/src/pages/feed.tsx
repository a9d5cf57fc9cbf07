import { t } from "../lib/i18n";
import { useTitle } from "../lib/router";

export default function Feed() {
  useTitle(t("feed.title"));
  return <h1>{t("feed.title")}</h1>;
}
