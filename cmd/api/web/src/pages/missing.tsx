import { t } from "../lib/i18n";
import { useTitle } from "../lib/router";
import { VideoIcon } from "../ui/icons";
import { Empty } from "../ui/states";

/** Missing is the page of every address that has none. */
export default function Missing() {
  useTitle(t("missing.title"));
  return (
    <Empty page icon={<VideoIcon size={40} />} title={t("missing.title")} text={t("missing.text")}>
      <a class="button button-primary button-medium" href="/">
        {t("action.home")}
      </a>
    </Empty>
  );
}
