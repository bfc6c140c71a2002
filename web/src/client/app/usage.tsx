// Minutes of a month, by day, by kind of job, and each of them; as CSV too, made in this browser.
import { useState } from "preact/hooks";
import { api } from "../api";
import { Field, Note, useAction } from "../forms";
import { DayChart } from "./day-chart";
import { amount, minutes, monthName } from "../format";
import { Moment, Title, useApi, Waiting } from "./parts";
import { navigate, useAddress } from "./router";
import type { LedgerEntry, Page, Usage } from "../types";

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
        <div class="row months">
          <button type="button" onClick={() => go(shifted(period, -1))}>
            <span aria-hidden="true">←</span><span class="hidden">The month before</span>
          </button>
          <Field label="Month" name="period" type="month" value={period} onValue={go} />
          <button type="button" disabled={period >= now} onClick={() => go(shifted(period, 1))}>
            <span aria-hidden="true">→</span><span class="hidden">The month after</span>
          </button>
        </div>
        {data && data.days.length > 0 && (
          <button type="button" onClick={() => saveDays(data)}>Download as CSV</button>
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
          <Ledger period={period} key={period} />
        </>
      )}
    </>
  );
}

const LEDGER_PAGE = 50;
const LEDGER_MOST = 1000;
const KINDS: Record<LedgerEntry["kind"], string> = {
  reserve: "held",
  settle: "charged",
  release: "given back unused",
  refund: "given back after a charge",
  grant: "added to the month",
};

/** Each time that minutes were held, charged or given. */
function Ledger({ period }: { period: string }) {
  const [page, setPage] = useState(1);
  const ledger = useApi<Page<LedgerEntry>>(
    `/v1/account/ledger?period=${period}&limit=${LEDGER_PAGE}&page=${page}`,
  );
  const { busy, error, run } = useAction();
  const { data } = ledger;
  const last = data ? Math.max(1, Math.ceil(data.total / LEDGER_PAGE)) : page;
  const download = () =>
    run(async () => {
      const all: LedgerEntry[] = [];
      for (let at = 1; ; at += 1) {
        const query = `period=${period}&limit=${LEDGER_MOST}&page=${at}`;
        const part = await api<Page<LedgerEntry>>(`/v1/account/ledger?${query}`);
        all.push(...part.items);
        if (part.items.length < LEDGER_MOST) break;
      }
      save(
        `ffmpeg-micro-ledger-${period}.csv`,
        ["at", "kind", "minutes", "job_id", "period"],
        all.map((each) => [each.at, each.kind, each.minutes, each.job_id ?? "", each.period]),
      );
    });
  if (data?.total === 0) return null;
  return (
    <>
      <div class="row between ledger-head">
        <h2>Ledger</h2>
        <button type="button" disabled={busy} onClick={download}>Download the ledger as CSV</button>
      </div>
      {error && <Note tone="bad">{error}</Note>}
      <Waiting of={ledger} />
      {data && (
        <div class="table">
          <table class="stack">
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Minutes</th>
                <th scope="col">What</th>
                <th scope="col">Job</th>
              </tr>
            </thead>
            <tbody>
              {data.items.map((each, index) => (
                <tr key={`${each.at}-${index}`}>
                  <th scope="row"><Moment at={each.at} /></th>
                  <td data-label="Minutes">{each.minutes}</td>
                  <td data-label="What">{KINDS[each.kind]}</td>
                  <td data-label="Job">
                    {each.job_id ? <a href={`/jobs/${each.job_id}`}>{each.job_id.slice(0, 8)}</a> : "none"}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {last > 1 && (
        <nav class="row" aria-label="Pages of the ledger">
          {page > 1 && <button type="button" onClick={() => setPage(page - 1)}>Newer</button>}
          <span>Page {page} of {amount(last)}</span>
          {page < last && <button type="button" onClick={() => setPage(page + 1)}>Older</button>}
        </nav>
      )}
    </>
  );
}

function shifted(period: string, by: number): string {
  const [year, month] = period.split("-").map(Number) as [number, number];
  return new Date(Date.UTC(year, month - 1 + by, 1)).toISOString().slice(0, 7);
}

function save(name: string, columns: string[], rows: (string | number)[][]): void {
  const lines = [columns, ...rows].map((row) => `${row.join(",")}\r\n`);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(lines, { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function saveDays({ period, days }: Usage): void {
  save(
    `ffmpeg-micro-usage-${period}.csv`,
    ["date", "minutes", "jobs"],
    days.map((day) => [day.date, day.minutes, day.jobs]),
  );
}
