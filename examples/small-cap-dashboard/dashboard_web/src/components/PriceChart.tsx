import type { Point } from "../api";

const WIDTH = 720;
const HEIGHT = 260;
const LEFT = 46;
const RIGHT = 10;
const TOP = 16;
const BOTTOM = 26;
const STEPS = 4;

type Props = { points: Point[]; label: string };

/** A line chart as one SVG; it scales with its container. */
export function PriceChart({ points, label }: Props) {
  const closes = points.map((point) => point.close);
  const low = Math.min(...closes);
  const span = Math.max(...closes) - low || 1;
  const x = (index: number) => LEFT + (index / (points.length - 1)) * (WIDTH - LEFT - RIGHT);
  const y = (close: number) => TOP + (1 - (close - low) / span) * (HEIGHT - TOP - BOTTOM);
  const line = points.map((p, i) => `${x(i).toFixed(1)},${y(p.close).toFixed(1)}`).join(" ");
  const floor = HEIGHT - BOTTOM;
  const levels = Array.from({ length: STEPS + 1 }, (_, step) => low + (span * step) / STEPS);
  const dates = [0, Math.floor((points.length - 1) / 2), points.length - 1];
  const anchors = ["start", "middle", "end"] as const;

  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label} data-testid="price-chart">
      {levels.map((level) => (
        <g key={level}>
          <line className="gridline" x1={LEFT} x2={WIDTH - RIGHT} y1={y(level)} y2={y(level)} />
          <text x={LEFT - 8} y={y(level) + 4} textAnchor="end">
            {level.toFixed(span < 10 ? 1 : 0)}
          </text>
        </g>
      ))}
      {dates.map((index, place) => (
        <text key={place} x={x(index)} y={HEIGHT - 6} textAnchor={anchors[place]}>
          {points[index].day}
        </text>
      ))}
      <polygon className="area" points={`${LEFT},${floor} ${line} ${WIDTH - RIGHT},${floor}`} />
      <polyline className="line" points={line} />
      <circle className="dot" cx={x(points.length - 1)} cy={y(closes[closes.length - 1])} r="4" />
    </svg>
  );
}
