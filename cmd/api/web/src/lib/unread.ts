import { api } from "../api/client";
import { poll } from "./poll";
import { setUnread, viewer } from "./session";

const pace = { visible: 20_000, hidden: 120_000 };

/** followUnread keeps the number at the navigation's messages up to date; it returns how to stop that. */
export const followUnread = (): (() => void) =>
  poll(async () => {
    if (viewer.get().kind === "member") setUnread((await api.me()).unread_conversations);
  }, pace);
