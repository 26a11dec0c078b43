import type { Entry } from "../api";

type Props = {
  entries: Entry[];
  selected: string | null;
  onSelect: (symbol: string) => void;
  onRemove: (symbol: string) => void;
};

export function Watchlist({ entries, selected, onSelect, onRemove }: Props) {
  return (
    <>
      <h2>
        Watchlist <small>{entries.length}</small>
      </h2>
      {entries.length === 0 && <p className="muted">Choose a company and press “Watch”.</p>}
      <ul>
        {entries.map((entry) => (
          <li key={entry.symbol} data-testid="watchlist-item" aria-current={entry.symbol === selected}>
            <button className="link" onClick={() => onSelect(entry.symbol)}>
              {entry.symbol}
            </button>
            <span className="muted">{entry.note || `since ${entry.added_at.slice(0, 10)}`}</span>
            <button
              className="remove"
              data-testid="watchlist-remove"
              aria-label={`Remove ${entry.symbol}`}
              onClick={() => onRemove(entry.symbol)}
            >
              ×
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
