// Minutes of a month, by day and by kind of job; as CSV too, made in this browser.
import { Field } from "../forms";
import { DayChart } from "./day-chart";
import { amount, minutes, monthName } from "../format";
import { Moment, Title, useApi, Waiting } from "./parts";
import { navigate, useAddress } from "./router";
import type { Usage } from "../types";

const MONTH = /^20\d\d-(0[1-9]|1[0-2])$/;

export function UsagePage() {
  const asked = useAddress().searchParams.get("period") ?? "";
  const now = new Date().toISOString().slice(0, 7);
  const period = MONTH.test(asked) ? asked : now;
  const usage = useApi<Usage>(`/v1/account/usage?period=${period}`);
  const { data } = usage;
  const go = (to: string) => {
    if (MONTH.test(to)) navigate(to === now ? "/usage" : `/usage?period=${to}`);
  };
  return (
    <>
      <Title page="Usage">Usage</Title>
      <div class="row between">
        <div class="row">
          <button type="button" onClick={() => go(shifted(period, -1))}>
            <span aria-hidden="true">←</span><span class="hidden">The month before</span>
          </button>
          <Field label="Month" name="period" type="month" value={period} onValue={go} />
          <button type="button" disabled={period >= now} onClick={() => go(shifted(period, 1))}>
            <span aria-hidden="true">→</span><span class="hidden">The month after</span>
          </button>
        </div>
        {data && data.days.length > 0 && (
          <button type="button" onClick={() => save(data)}>Download as CSV</button>
        )}
      </div>
      <Waiting of={usage} />
      {data && (
        <>
          <p role="status">
            {minutes(data.minutes_used)} of {amount(data.minutes_limit)} min used in{" "}
            {monthName(data.period)}
            {data.minutes_reserved > 0 && `, ${minutes(data.minutes_reserved)} held for jobs under way`}
            {period === now && <>. {minutes(data.minutes_left)} are left until <Moment at={data.resets_at} short /></>}.
          </p>
          {data.days.length === 0 ? (
            <p class="soft">
              Nothing was charged in this month. Minutes are charged when a job completes, by the
              length of its inputs; what fails costs nothing.
            </p>
          ) : (
            <>
              <h2>By day</h2>
              <DayChart usage={data} />
              <h2>By kind</h2>
              <div class="table">
                <table>
                  <thead>
                    <tr><th scope="col">Kind</th><th scope="col">Minutes</th><th scope="col">Jobs</th></tr>
                  </thead>
                  <tbody>
                    {data.kinds.map((kind) => (
                      <tr key={kind.job_type}>
                        <th scope="row">{kind.job_type}</th>
                        <td>{minutes(kind.minutes)}</td>
                        <td>{kind.jobs}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </>
          )}
        </>
      )}
    </>
  );
}

function shifted(period: string, by: number): string {
  const [year, month] = period.split("-").map(Number) as [number, number];
  return new Date(Date.UTC(year, month - 1 + by, 1)).toISOString().slice(0, 7);
}

function save(usage: Usage): void {
  const lines = [
    "date,minutes,jobs",
    ...usage.days.map((day) => `${day.date},${day.minutes},${day.jobs}`),
  ];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv" }));
  link.download = `ffmpeg-micro-usage-${usage.period}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
