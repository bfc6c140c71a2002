// The plans, the one that is paid for, and the invoices. Cards are Stripe's alone.
import { useState } from "preact/hooks";
import { api } from "../api";
import { Note, useAction } from "../forms";
import { amount, bytes, date, money, seconds } from "../format";
import { Ask, jobName, Moment, Title, useApi, Waiting } from "./parts";
import { navigate, useAddress } from "./router";
import type { Billing, Invoice, Job, Plan } from "../types";

type Offered = Plan & { currency: string };
interface Plans {
  items: Offered[];
  can_be_bought: boolean;
}
interface Bought {
  outcome: "changed" | "checkout" | "kept" | "scheduled";
  url: string | null;
  billing: Billing;
}

/** After a checkout Stripe's news take a moment: the plan is asked for until they are there. */
const NEWS_PACE = 2_000;
const NEWS_PATIENCE = 60_000;

export function BillingPage() {
  const query = useAddress().searchParams;
  const job = query.get("job");
  const checkout = query.get("checkout");
  const [opened] = useState(() => Date.now());
  const billing = useApi<Billing>("/v1/billing", (read) =>
    checkout === "success" && !read.period_end && Date.now() - opened < NEWS_PATIENCE ? NEWS_PACE : 0,
  );
  const plans = useApi<Plans>("/v1/billing/plans");
  const blocked = useApi<Job>(job ? `/v1/transcodes/${encodeURIComponent(job)}` : "");
  const [said, setSaid] = useState("");
  const now = plans.data?.items.find((plan) => plan.id === billing.data?.plan);
  // Drawn as a whole, so that nothing moves when the next part comes.
  const ready = billing.data && plans.data && (!job || blocked.data || blocked.error);
  const name = (id: string) => plans.data?.items.find((plan) => plan.id === id)?.name ?? id;

  return (
    <>
      <Title page="Billing">Billing</Title>
      {checkout === "success" && !said && (
        <Note tone="good" focus>
          {billing.data?.period_end
            ? `Thank you. The plan ${name(billing.data.plan)} holds from now on.`
            : "Thank you, the payment went through. Stripe's confirmation takes a moment…"}
        </Note>
      )}
      {checkout === "canceled" && !said && (
        <Note focus>The checkout was left. Nothing was charged, and the plan is as before.</Note>
      )}
      {said && <Note tone="good" focus key={said}>{said}</Note>}
      {!ready && <Waiting of={billing.data ? (plans.data ? blocked : plans) : billing} />}
      {ready && plans.data && billing.data && (
        <>
          {blocked.data?.status === "failed" && (
            <Blocked
              job={blocked.data}
              paid={checkout === "success" && Boolean(billing.data.period_end)}
            />
          )}
          <Standing billing={billing.data} plan={name(billing.data.plan)} name={name} />
          <h2>Plans</h2>
          {!plans.data.can_be_bought && (
            <Note>This service has no billing. Its operator says who gets which plan.</Note>
          )}
          <ul class="grid plans">
            {plans.data.items.map((plan) => (
              <PlanCard
                key={plan.id}
                plan={plan}
                now={now}
                billing={billing.data!}
                canBuy={plans.data!.can_be_bought}
                job={job}
                done={(bought) => {
                  billing.set(bought.billing);
                  setSaid(outcome(bought, plan.name));
                }}
              />
            ))}
          </ul>
          <p class="soft">
            Prices are a month. Minutes are those of the inputs; beyond the plan nothing is charged:
            new jobs are refused until the month ends.
          </p>
          <Invoices key={`${billing.data.plan} ${billing.data.status}`} />
        </>
      )}
    </>
  );
}

function outcome(bought: Bought, plan: string): string {
  const end = bought.billing.period_end ? ` on ${date(bought.billing.period_end)}` : "";
  if (bought.outcome === "scheduled") return `The plan ${plan} begins when this period ends${end}.`;
  if (bought.outcome === "kept") return `The plan stays ${plan}.`;
  return `The plan is ${plan} from now on.`;
}

function Standing(props: { billing: Billing; plan: string; name(id: string): string }) {
  const { billing, plan, name } = props;
  return (
    <>
      {billing.grace_until && (
        <Note tone="bad">
          A payment did not go through. The plan goes on until <Moment at={billing.grace_until} />.
          Pay the open invoice, or give another card:
          <p class="after"><PortalButton /></p>
        </Note>
      )}
      <p>
        Your plan is <strong>{plan}</strong>
        {billing.period_end && !billing.next_plan && <>; the next payment is due <Moment at={billing.period_end} short /></>}
        {billing.period_end && billing.next_plan && (
          <>; it becomes {name(billing.next_plan)} <Moment at={billing.period_end} short /></>
        )}
        .
      </p>
      {billing.status && !billing.grace_until && <p><PortalButton /></p>}
    </>
  );
}

function PortalButton() {
  const { busy, error, run } = useAction();
  const go = () =>
    run(async () => {
      const { url } = await api<{ url: string }>("/v1/billing/portal", { method: "POST" });
      location.assign(url);
    });
  return (
    <>
      <button type="button" disabled={busy} onClick={go}>Cards, addresses, cancellation at Stripe</button>
      {error && <Note tone="bad">{error}</Note>}
    </>
  );
}

/** The job that was refused; it can be sent again when there are more minutes. */
function Blocked({ job, paid }: { job: Job; paid: boolean }) {
  const { busy, error, run } = useAction();
  const retry = () =>
    run(async () => {
      const made = await api<{ id: string }>(`/v1/transcodes/${job.id}/retry`, { method: "POST" });
      navigate(`/jobs/${made.id}`);
    });
  return (
    <Note tone={paid ? "good" : "warn"}>
      <p>
        The job <a href={`/jobs/${job.id}`}>{jobName(job)}</a> was refused:{" "}
        {job.error_message}
      </p>
      {error && <p class="error">{error}</p>}
      <button type="button" disabled={busy} onClick={retry}>
        {paid ? "Send the job again" : "Try it again as it is"}
      </button>
    </Note>
  );
}

interface CardProps {
  plan: Offered;
  now: Offered | undefined;
  billing: Billing;
  canBuy: boolean;
  job: string | null;
  done(bought: Bought): void;
}

function PlanCard({ plan, now, billing, canBuy, job, done }: CardProps) {
  const buy = async () => {
    const bought = await api<Bought>("/v1/billing/checkout", {
      body: { plan: plan.id, ...(job ? { job } : {}) },
    });
    if (bought.url) location.assign(bought.url);
    else done(bought);
  };
  return (
    <li class="card">
      <h3 class="first">{plan.name}</h3>
      <p class="price">{money(plan.price_cents, plan.currency)}</p>
      <ul>
        <li>{amount(plan.minutes_per_month)} minutes a month</li>
        <li>inputs to {bytes(plan.max_input_bytes)}, outputs to {bytes(plan.max_output_bytes)}</li>
        <li>{plan.jobs_at_once} jobs at once, each at most {seconds(plan.max_job_seconds)}</li>
        <li>{amount(plan.requests_per_minute)} calls a minute</li>
      </ul>
      <PlanButton plan={plan} now={now} billing={billing} canBuy={canBuy} buy={buy} />
    </li>
  );
}

function PlanButton(props: Omit<CardProps, "job" | "done"> & { buy(): Promise<void> }) {
  const { plan, now, billing, canBuy, buy } = props;
  const { busy, error, run } = useAction();
  if (plan.id === billing.plan && !billing.next_plan) return <p><strong>Your plan</strong></p>;
  if (plan.id === billing.next_plan) return <p><strong>Begins with the next period</strong></p>;
  if (!canBuy) return null;
  const paying = billing.period_end !== null;
  if (!paying && plan.price_cents === 0) return null;
  if (plan.id === billing.plan || !paying)
    return (
      <>
        {error && <Note tone="bad">{error}</Note>}
        <button type="button" class="main" disabled={busy} onClick={() => run(buy)}>
          {busy ? "One moment…" : plan.id === billing.plan ? `Stay with ${plan.name}` : `Buy ${plan.name}`}
        </button>
      </>
    );
  const larger = now === undefined || plan.price_cents > now.price_cents;
  return (
    <Ask
      label={larger ? `Upgrade to ${plan.name}` : `Go down to ${plan.name}`}
      question={larger ? `Upgrade to ${plan.name}?` : `Go down to ${plan.name}?`}
      verb={larger ? "Upgrade" : "Go down"}
      act={buy}
    >
      <p>
        {larger
          ? "It holds at once. Your card is charged the difference for the rest of the period."
          : "What you have paid for holds until the period ends; then the smaller plan begins."}
      </p>
    </Ask>
  );
}

function Invoices() {
  const invoices = useApi<{ items: Invoice[] }>("/v1/billing/invoices");
  return (
    <>
      <h2>Invoices</h2>
      <Waiting of={invoices} />
      {invoices.data?.items.length === 0 && (
        <p class="soft">There are none. The first comes with the first payment.</p>
      )}
      {invoices.data && invoices.data.items.length > 0 && (
        <div class="table">
          <table class="stack">
            <thead>
              <tr>
                <th scope="col">Invoice</th>
                <th scope="col">Amount</th>
                <th scope="col">Status</th>
                <th scope="col">Date</th>
                <th scope="col"><span class="hidden">Links</span></th>
              </tr>
            </thead>
            <tbody>
              {invoices.data.items.map((invoice) => (
                <tr key={invoice.id}>
                  <th scope="row">{invoice.number ?? "no number yet"}</th>
                  <td data-label="Amount">{money(invoice.amount_cents, invoice.currency)}</td>
                  <td data-label="Status">{invoice.status}</td>
                  <td data-label="Date"><Moment at={invoice.created_at} short /></td>
                  <td>
                    <div class="row">
                    {invoice.url && <a href={invoice.url} target="_blank" rel="noopener">Open</a>}
                    {invoice.pdf && <a href={invoice.pdf} target="_blank" rel="noopener">PDF</a>}
                    </div>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
