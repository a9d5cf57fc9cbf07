import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failed } from "../ui/states";

/**
 * lazy is a component whose code is fetched when it is first shown, and Waiting until it is there. Its load fetches the code beforehand;
 * it never rejects.
 */
export function lazy<P extends object>(
  fetchCode: () => Promise<ComponentType<P>>,
  Waiting: ComponentType,
): ComponentType<P> & { load: () => Promise<void> } {
  let code: ComponentType<P> | null = null;
  const load = async (): Promise<void> => {
    code = await fetchCode();
  };
  const Lazy = (props: P) => {
    const [error, setError] = useState<unknown>(null);
    const [, render] = useState(0);
    const fetch = () => {
      setError(null);
      load().then(() => render((n) => n + 1), setError);
    };
    // As it was rendered: code that comes before the effect runs, fetched beforehand, has rendered nothing yet.
    const isWaiting = !code;
    useEffect(() => {
      if (isWaiting) fetch();
    }, []);
    if (code) {
      const Shown = code;
      return <Shown {...props} />;
    }
    return error ? <Failed error={error} retry={fetch} /> : <Waiting />;
  };
  Lazy.load = () => load().catch(() => undefined);
  return Lazy;
}
