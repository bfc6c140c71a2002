// Usage, running jobs, and the first steps of a new user.
import { api } from "../api";
import { Note, useAction } from "../forms";
import { DayChart } from "./day-chart";
import { amount, minutes, monthName } from "../format";
import { JobTable } from "./jobs";
import { Copy } from "../run/copy";
import { Moment, Title, underWay, useApi, Waiting } from "./parts";
import type { Account, Job, Page, Usage } from "../types";

const SOON = 2_500;
const LATER = 10_000;

export function Overview() {
  const account = useApi<Account>("/v1/account");
  const usage = useApi<Usage>("/v1/account/usage");
  const running = useApi<Page<Job>>("/v1/transcodes?status=processing&limit=20", pace);
  const waiting = useApi<Page<Job>>("/v1/transcodes?status=pending&limit=5", pace);
  const latest = useApi<Page<Job>>("/v1/transcodes?limit=8", () => LATER / 2);
  const inFlight = [...(running.data?.items ?? []), ...(waiting.data?.items ?? [])];
  const ended = (latest.data?.items ?? []).filter((job) => !underWay(job));
  const moreWaiting = (waiting.data?.total ?? 0) - (waiting.data?.items.length ?? 0);
  const all = [account, usage, running, waiting, latest];
  // Drawn as a whole, so that nothing moves when the next part comes.
  const missing = all.find((each) => each.data === undefined);
  return (
    <>
      <Title page="Overview">
        {account.data?.name ? `Hello, ${account.data.name}` : "Overview"}
      </Title>
      {missing ? (
        <Waiting of={all.find((each) => each.error) ?? missing} />
      ) : (
        <>
          {account.data && <NewPolicy account={account.data} accepted={account.reload} />}
          {latest.data?.total === 0 && <FirstSteps />}
          {usage.data && <Month usage={usage.data} plan={account.data?.plan.name} />}
          <h2>Under way</h2>
          {inFlight.length ? (
            <JobTable jobs={inFlight} />
          ) : (
            <p class="soft">No job runs or waits just now.</p>
          )}
          {moreWaiting > 0 && (
            <p><a href="/jobs?status=pending">{moreWaiting} more are waiting</a></p>
          )}
          {latest.data && ended.length > 0 && (
            <>
              <h2>Latest ones</h2>
              <JobTable jobs={ended} />
              <p><a href="/jobs">All {amount(latest.data.total)} jobs</a></p>
            </>
          )}
        </>
      )}
    </>
  );
}

function pace(jobs: Page<Job>): number {
  return jobs.items.length ? SOON : LATER;
}

function Month({ usage, plan }: { usage: Usage; plan: string | undefined }) {
  const spent = usage.minutes_used + usage.minutes_reserved;
  return (
    <section aria-label="This month">
      <div class="grid">
        <div class="card figure">
          <span class="soft">Left in {monthName(usage.period)}</span>
          <strong>{minutes(usage.minutes_left)}</strong>
          <progress
            max={usage.minutes_limit}
            value={Math.min(spent, usage.minutes_limit)}
            aria-label="Minutes used or held"
          />
          <small>
            resets <Moment at={usage.resets_at} short />
            {usage.minutes_left === 0 && <>; <a href="/billing">choose a larger plan</a></>}
          </small>
        </div>
        <div class="card figure">
          <span class="soft">Used</span>
          <strong>{minutes(usage.minutes_used)}</strong>
          <small>
            of {amount(usage.minutes_limit)} min{plan && <> of the plan {plan}</>}
            {usage.minutes_reserved > 0 && (
              <>, {minutes(usage.minutes_reserved)} held for jobs under way</>
            )}
          </small>
        </div>
      </div>
      {usage.days.length > 0 && (
        <>
          <h2>By day</h2>
          <DayChart usage={usage} />
          <p><a href="/usage">Usage by month, as a table and as CSV</a></p>
        </>
      )}
    </section>
  );
}

function FirstSteps() {
  const line = [
    `curl ${location.origin}/v1/transcodes \\`,
    `  -H "Authorization: Bearer YOUR_KEY" \\`,
    `  -H "Content-Type: application/json" \\`,
    `  -d '{"inputs": [{"url": "https://example.com/video.mov"}], "outputFormat": "mp4"}'`,
  ].join("\n");
  return (
    <section class="card" aria-label="First steps">
      <h2 class="first">First steps</h2>
      <ol>
        <li><a href="/keys">Make a key</a>. It is shown once; keep it where your program finds it.</li>
        <li>
          Send a job. The input is any public URL, or a file that you{" "}
          <a href="/docs/uploads">upload</a> first:
          <pre><code>{line}</code></pre>
          <Copy text={line} what="the command" />
        </li>
        <li>Look here: the job shows up by itself, and its result can be seen and downloaded.</li>
      </ol>
      <p>Don't want to write code? The <a href="/playground">playground</a> makes jobs from this page.</p>
    </section>
  );
}

/** A version of the policies that came since the account accepted one. */
function NewPolicy({ account, accepted }: { account: Account; accepted(): void }) {
  const policies = useApi<{
    current: string | null;
    items: { version: string; summary: string; published_at: string }[];
  }>("/v1/policies");
  const { busy, error, run } = useAction();
  const current = policies.data?.items.find((each) => each.version === policies.data?.current);
  if (!current || account.policies.some((each) => each.version === current.version)) return null;
  const accept = () =>
    run(async () => {
      await api(`/v1/policies/${encodeURIComponent(current.version)}/accept`, { method: "POST" });
      accepted();
    });
  return (
    <Note tone="warn">
      <p>
        The <a href="/privacy">privacy policy</a> and <a href="/terms">terms</a> have changed:{" "}
        {current.summary}
      </p>
      {error && <p class="error">{error}</p>}
      <button type="button" disabled={busy} onClick={accept}>I have read it and agree</button>
    </Note>
  );
}
