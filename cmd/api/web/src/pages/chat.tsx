import { ConversationList } from "../chat/list";
import { Conversation } from "../chat/conversation";
import { ownConversations } from "../lib/conversations";
import { useUser } from "../lib/entities";
import { useDesktop } from "../lib/hooks";
import { t } from "../lib/i18n";
import { useTitle, type PageProps } from "../lib/router";
import { viewerId } from "../lib/session";
import { displayName } from "../ui/avatar";
import { ChatIcon } from "../ui/icons";
import { Empty } from "../ui/states";

/** Chat is the pages /chat and /chat/ID: on the phone one of list and conversation, on the desktop both. */
export default function Chat({ params }: PageProps) {
  ownConversations(viewerId());
  const isDesktop = useDesktop();
  const peer = /^\d{1,16}$/.test(params.id ?? "") ? Number(params.id) : 0;
  const isList = params.id === undefined;
  const user = useUser(peer);
  useTitle(user && !isList ? displayName(user) : t("nav.chat"));
  return (
    <div class="chat">
      {(isDesktop || isList) && (
        <section class="chat-side" aria-label={t("nav.chat")}>
          {isList ? <h1 class="chat-title">{t("nav.chat")}</h1> : <p class="chat-title">{t("nav.chat")}</p>}
          <ConversationList open={peer} />
        </section>
      )}
      {!isList && (
        <div class="chat-main">
          {peer > 0 ? (
            <Conversation key={peer} peer={peer} />
          ) : (
            <Empty page icon={<ChatIcon size={40} />} title={t("profile.missing")} text={t("missing.text")} />
          )}
        </div>
      )}
      {isList && isDesktop && (
        <div class="chat-main">
          <Empty icon={<ChatIcon size={40} />} title={t("chat.choose")} text={t("chat.choose.text")} />
        </div>
      )}
    </div>
  );
}
