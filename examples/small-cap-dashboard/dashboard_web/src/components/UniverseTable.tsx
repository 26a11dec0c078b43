import type { Company } from "../api";

type Props = {
  companies: Company[];
  selected: string | null;
  onSelect: (symbol: string) => void;
};

const capital = (millions: number) =>
  millions >= 1000 ? `$${(millions / 1000).toFixed(2)}B` : `$${millions.toFixed(0)}M`;
const percent = (value: number) => `${value > 0 ? "+" : ""}${value.toFixed(1)}%`;

export function UniverseTable({ companies, selected, onSelect }: Props) {
  return (
    <>
      <h2>
        Universe <small>{companies.length} companies</small>
      </h2>
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th>Symbol</th>
              <th>Company</th>
              <th className="wide">Sector</th>
              <th className="number">Market cap</th>
              <th className="number">Growth</th>
            </tr>
          </thead>
          <tbody>
            {companies.map((company) => (
              <tr
                key={company.symbol}
                data-testid="universe-row"
                aria-selected={company.symbol === selected}
                onClick={() => onSelect(company.symbol)}
              >
                <td>
                  <button className="link" onClick={() => onSelect(company.symbol)}>
                    {company.symbol}
                  </button>
                </td>
                <td>{company.name}</td>
                <td className="wide muted">{company.sector}</td>
                <td className="number">{capital(company.market_cap_musd)}</td>
                <td className={`number ${company.revenue_growth_pct < 0 ? "down" : "up"}`}>
                  {percent(company.revenue_growth_pct)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
