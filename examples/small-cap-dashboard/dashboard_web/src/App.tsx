import { useCallback, useEffect, useState } from "react";
import * as api from "./api";
import { ApiStatus } from "./components/ApiStatus";
import { PricePanel } from "./components/PricePanel";
import { UniverseTable } from "./components/UniverseTable";
import { Watchlist } from "./components/Watchlist";

export default function App() {
  const [companies, setCompanies] = useState<api.Company[]>([]);
  const [entries, setEntries] = useState<api.Entry[]>([]);
  const [selected, setSelected] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  const attempt = useCallback(async (action: () => Promise<void>) => {
    try {
      await action();
      setProblem(null);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }, []);

  useEffect(() => {
    void attempt(async () => {
      const [universe, watchlist] = await Promise.all([api.getUniverse(), api.getWatchlist()]);
      setCompanies(universe);
      setEntries(watchlist);
      setSelected((current) => current ?? universe[0]?.symbol ?? null);
    });
  }, [attempt]);

  const change = (action: (symbol: string) => Promise<unknown>) => (symbol: string) =>
    void attempt(async () => {
      await action(symbol);
      setEntries(await api.getWatchlist());
    });
  const add = change(api.addToWatchlist);
  const remove = change(api.removeFromWatchlist);

  return (
    <>
      <header className="bar">
        <div>
          <h1>Small-Cap Growth</h1>
          <p>Universe, prices and watchlist</p>
        </div>
        <ApiStatus />
      </header>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <main className="grid">
        <section className="card chart">
          <PricePanel
            symbol={selected}
            watched={entries.some((entry) => entry.symbol === selected)}
            onAdd={add}
          />
        </section>
        <section className="card watch">
          <Watchlist entries={entries} selected={selected} onSelect={setSelected} onRemove={remove} />
        </section>
        <section className="card universe">
          <UniverseTable companies={companies} selected={selected} onSelect={setSelected} />
        </section>
      </main>
    </>
  );
}
