// Every call to the API goes through here.

const API_BASE = import.meta.env.VITE_API_BASE_URL || "http://localhost:8000";

export type Company = {
  symbol: string;
  name: string;
  sector: string;
  market_cap_musd: number;
  revenue_growth_pct: number;
};

export type Point = { day: string; close: number };

export type Series = {
  symbol: string;
  name: string;
  source: string;
  cached: boolean;
  points: Point[];
};

export type Entry = { symbol: string; note: string; added_at: string };

export type Health = { status: string; version: string };

async function call<T>(url: string, init?: RequestInit): Promise<T> {
  const answer = await fetch(url, init);
  if (!answer.ok) {
    const body = await answer.json().catch(() => ({}));
    throw new Error(typeof body.detail === "string" ? body.detail : `HTTP ${answer.status}`);
  }
  return answer.status === 204 ? (undefined as T) : await answer.json();
}

export const getHealth = () => call<Health>(`${API_BASE}/api/health`);

export const getUniverse = async () =>
  (await call<{ companies: Company[] }>(`${API_BASE}/api/universe`)).companies;

export const getPrices = (symbol: string, signal: AbortSignal) =>
  call<Series>(`${API_BASE}/api/prices/${encodeURIComponent(symbol)}`, { signal });

export const getWatchlist = async () =>
  (await call<{ entries: Entry[] }>(`${API_BASE}/api/watchlist`)).entries;

export const addToWatchlist = (symbol: string) =>
  call<unknown>(`${API_BASE}/api/watchlist`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ symbol }),
  });

export const removeFromWatchlist = (symbol: string) =>
  call<void>(`${API_BASE}/api/watchlist/${encodeURIComponent(symbol)}`, { method: "DELETE" });
