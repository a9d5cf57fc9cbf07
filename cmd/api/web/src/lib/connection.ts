import { createStore } from "./store";

/** connection is what the last request found; the layout shows a line while it is offline. */
export const connection = createStore<"online" | "offline">("online");

addEventListener("offline", () => connection.set("offline"));

/** onReconnect calls back each time the connection comes back; it returns how to stop that. */
export const onReconnect = (listener: () => void): (() => void) =>
  connection.subscribe(() => {
    if (connection.get() === "online") listener();
  });

/** reachable asks the server for a small file, and notes whether it came. */
export async function reachable(): Promise<boolean> {
  const isThere = await fetch("/app.webmanifest", { cache: "no-store" }).then(
    (response) => response.ok,
    () => false,
  );
  connection.set(isThere ? "online" : "offline");
  return isThere;
}
