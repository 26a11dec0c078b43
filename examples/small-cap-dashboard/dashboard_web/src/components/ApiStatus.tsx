import { useEffect, useState } from "react";
import { getHealth } from "../api";

const EVERY_MS = 15_000;

export function ApiStatus() {
  const [state, setState] = useState<{ kind: "wait" | "ok" | "down"; text: string }>({
    kind: "wait",
    text: "Connecting…",
  });

  useEffect(() => {
    let live = true;
    const ask = () =>
      getHealth().then(
        (health) => live && setState({ kind: "ok", text: `API ok · v${health.version}` }),
        () => live && setState({ kind: "down", text: "API unreachable" }),
      );
    void ask();
    const timer = setInterval(ask, EVERY_MS);
    return () => {
      live = false;
      clearInterval(timer);
    };
  }, []);

  return (
    <span className={`badge ${state.kind}`} data-testid="api-status" data-state={state.kind} role="status">
      {state.text}
    </span>
  );
}
