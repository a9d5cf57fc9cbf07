import { useId } from "preact/hooks";
import { count, dayOf, number, t } from "../lib/i18n";

interface PlotProps {
  title: string;
  /** The days, oldest first, and the value of each. */
  days: string[];
  values: number[];
  /** The day that is pointed at, or null. */
  at: number | null;
  onAt: (at: number | null) => void;
}

// The picture's own units: it is stretched to the room that there is.
const width = 1000;
const height = 100;

/** Plot shows a number by day as bars. One points at a day by mouse, finger or arrow keys, and reads its value above. */
export function Plot({ title, days, values, at, onAt }: PlotProps) {
  const id = useId();
  const last = days.length - 1;
  const top = roundedUp(Math.max(...values, 0));
  const step = width / Math.max(1, days.length);
  const gap = Math.min(0.3 * step, 8);
  const total = values.reduce((sum, value) => sum + value, 0);
  const textOf = (day: number): string => `${dayOf(days[day] ?? "")}: ${number(values[day] ?? 0)}`;

  const onPointer = (event: PointerEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const day = Math.floor(((event.clientX - box.left) / box.width) * days.length);
    onAt(Math.max(0, Math.min(last, day)));
  };
  const onKey = (event: KeyboardEvent) => {
    const now = at ?? last;
    const goals: Record<string, number> = { ArrowLeft: at === null ? last : now - 1, ArrowRight: now + 1, Home: 0, End: last };
    const goal = goals[event.key];
    if (goal === undefined) return;
    event.preventDefault();
    onAt(Math.max(0, Math.min(last, goal)));
  };

  return (
    <figure class="plot card">
      <figcaption class="plot-head">
        <span id={id} class="plot-title">
          {title}
        </span>
        <span class="plot-value">{at === null ? number(total) : number(values[at] ?? 0)}</span>
        <span class="muted plot-when">{at === null ? t("statistics.total") : dayOf(days[at] ?? "")}</span>
      </figcaption>
      <div
        class="plot-area"
        role="slider"
        tabIndex={0}
        aria-labelledby={id}
        aria-orientation="horizontal"
        aria-valuemin={0}
        aria-valuemax={last}
        aria-valuenow={at ?? last}
        aria-valuetext={textOf(at ?? last)}
        onPointerMove={onPointer}
        onPointerDown={onPointer}
        onPointerLeave={() => onAt(null)}
        onKeyDown={onKey}
        onBlur={() => onAt(null)}
      >
        <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true" focusable="false">
          {[0, 0.5, 1].map((share) => (
            <line key={share} class="plot-line" x1={0} x2={width} y1={height * share} y2={height * share} />
          ))}
          {values.map((value, day) => (
            <rect
              key={days[day]}
              class={day === at ? "plot-bar plot-bar-at" : "plot-bar"}
              x={day * step + gap / 2}
              width={step - gap}
              y={height * (1 - value / top)}
              height={(height * value) / top}
            />
          ))}
          {at !== null && <rect class="plot-at" x={at * step} width={step} y={0} height={height} />}
        </svg>
        <span class="plot-top" aria-hidden="true">
          {count(top)}
        </span>
      </div>
      <p class="plot-days muted" aria-hidden="true">
        <span>{dayOf(days[0] ?? "")}</span>
        {days.length > 2 && <span>{dayOf(days[Math.floor(last / 2)] ?? "")}</span>}
        <span>{dayOf(days[last] ?? "")}</span>
      </p>
    </figure>
  );
}

// roundedUp is the top of the scale: 4, 6, 8, 10, or these times a power of ten, so that its half is a whole number.
function roundedUp(most: number): number {
  const ten = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(most, 1))));
  return [2, 4, 6, 8, 10].map((n) => n * ten).find((n) => n >= most) ?? 20 * ten;
}
