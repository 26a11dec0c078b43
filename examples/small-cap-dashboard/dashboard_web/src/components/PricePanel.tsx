import { useEffect, useState } from "react";
import { getPrices, type Series } from "../api";
import { PriceChart } from "./PriceChart";

type Props = { symbol: string | null; watched: boolean; onAdd: (symbol: string) => void };

export function PricePanel({ symbol, watched, onAdd }: Props) {
  const [series, setSeries] = useState<Series | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  useEffect(() => {
    if (!symbol) return;
    const abort = new AbortController();
    getPrices(symbol, abort.signal).then(
      (answer) => {
        setSeries(answer);
        setProblem(null);
      },
      (error: Error) => {
        if (!abort.signal.aborted) setProblem(error.message);
      },
    );
    return () => abort.abort();
  }, [symbol]);

  if (problem) return <p className="problem">{problem}</p>;
  if (!series || !symbol) return <p className="muted">Loading prices…</p>;

  const first = series.points[0].close;
  const last = series.points[series.points.length - 1].close;
  const change = (last / first - 1) * 100;
  return (
    <>
      <div className="headline">
        <div>
          <h2>
            {series.symbol} <small>{series.name}</small>
          </h2>
          <p className="price">
            ${last.toFixed(2)}{" "}
            <span className={change < 0 ? "down" : "up"}>
              {change < 0 ? "▼" : "▲"} {Math.abs(change).toFixed(1)}%
            </span>{" "}
            <small>over {series.points.length} days</small>
          </p>
        </div>
        <button
          className="watch-button"
          data-testid="watchlist-add"
          disabled={watched}
          onClick={() => onAdd(symbol)}
        >
          {watched ? "Watched" : "+ Watch"}
        </button>
      </div>
      <PriceChart points={series.points} label={`Closing prices of ${series.symbol}`} />
      <p className="muted source" data-testid="price-source">
        Source: {series.source.replace("_", " ")}
        {series.cached ? ", from the cache" : ""}
      </p>
    </>
  );
}
