// The plans as the database has them.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { api } from "./api";
import { Note, told } from "./forms";
import { amount, bytes, money, seconds } from "./format";
import type { Plan } from "./types";

interface Offered extends Plan {
  currency: string;
}

function Plans() {
  const [plans, setPlans] = useState<Offered[]>();
  const [error, setError] = useState("");
  useEffect(() => {
    api<{ items: Offered[] }>("/v1/billing/plans", { anonymous: true }).then(
      (answer) => setPlans(answer.items),
      (failed) => setError(told(failed)),
    );
  }, []);
  if (error) return <Note tone="bad">{error}</Note>;
  if (!plans) return <p class="soft" role="status">Loading…</p>;
  return (
    <ul class="plans grid">
      {plans.map((plan) => (
        <li key={plan.id} class="card">
          <h2 class="first">{plan.name}</h2>
          <p class="price">
            {money(plan.price_cents, plan.currency)} <small>a month</small>
          </p>
          <ul>
            <li><strong>{amount(plan.minutes_per_month)} minutes</strong> of input a month</li>
            <li>files up to {bytes(plan.max_input_bytes)}</li>
            <li>{plan.jobs_at_once} jobs at once</li>
            <li>jobs of up to {seconds(plan.max_job_seconds)}</li>
            <li>{amount(plan.requests_per_minute)} calls a minute</li>
          </ul>
          <p>
            {plan.price_cents === 0 ? (
              <a class="button main" href="/sign-up">Sign up, no card</a>
            ) : (
              <a class="button" href="/billing">Choose {plan.name}</a>
            )}
          </p>
        </li>
      ))}
    </ul>
  );
}

const root = document.getElementById("plans");
if (root) {
  root.replaceChildren();
  render(<Plans />, root);
}
