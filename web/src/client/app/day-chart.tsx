// Minutes by day as bars. The chart is visual; the same figures follow as a table.
import { useEffect, useRef } from "preact/hooks";
import { minutes } from "../format";
import type { Usage } from "../types";

export function DayChart({ usage }: { usage: Usage }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let end: (() => void) | undefined;
    let over = false;
    void import("./draw-days").then(({ drawDays }) => {
      if (!over && box.current) end = drawDays(box.current, byDay(usage));
    });
    return () => {
      over = true;
      end?.();
    };
  }, [usage]);
  return (
    <>
      <div ref={box} class="chart" aria-hidden="true" />
      <details>
        <summary>The days as a table</summary>
        <div class="table">
          <table>
            <thead><tr><th scope="col">Day (UTC)</th><th scope="col">Minutes</th><th scope="col">Jobs</th></tr></thead>
            <tbody>
              {usage.days.map((day) => (
                <tr key={day.date}>
                  <th scope="row">{day.date}</th>
                  <td>{minutes(day.minutes)}</td>
                  <td>{day.jobs}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </>
  );
}

/** Minutes of every day of the month, those without a job too. */
function byDay({ period, days }: Usage): number[] {
  const [year, month] = period.split("-").map(Number) as [number, number];
  const found = new Map(days.map((day) => [day.date, day.minutes]));
  const count = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return Array.from(
    { length: count },
    (_, index) => found.get(`${period}-${String(index + 1).padStart(2, "0")}`) ?? 0,
  );
}
