import type { PageProps } from "../ui/layout";

export const pricing: PageProps = {
  path: "/pricing",
  title: "Pricing",
  about: "What each plan costs and holds, and what happens at its limits.",
  scripts: ["pricing.tsx"],
  children: (
    <>
      <h1>Pricing</h1>
      <p class="lead">By minutes of input, a month ahead. No overage charges: what is used up is used up.</p>
      <div id="plans" class="plans-box">
        <p class="soft">Loading…</p>
        <noscript>
          The plans come from <a href="/v1/billing/plans">GET /v1/billing/plans</a>; this table needs
          JavaScript.
        </noscript>
      </div>
      <h2>How minutes are counted</h2>
      <ul>
        <li>The length of the input, in seconds, over 60. Several inputs add up.</li>
        <li>After a trim only the part that you asked for counts.</li>
        <li>Pictures count nothing.</li>
        <li>A job that fails through no fault of yours, or that you cancel, costs nothing.</li>
        <li>
          <code>POST /v1/validate</code> and the playground tell the price beforehand. Looking into a
          file is free.
        </li>
      </ul>
      <h2>What happens at the limits</h2>
      <dl class="limits">
        <div>
          <dt>Minutes used up</dt>
          <dd>
            A new job is refused with 402, and the answer has a link to a larger plan. Nothing is
            charged, and jobs that were accepted go on. You get a mail at 80 % and at 100 %. The
            minutes reset each calendar month.
          </dd>
        </div>
        <div>
          <dt>Minutes left over</dt>
          <dd>They are not carried over to the next month.</dd>
        </div>
        <div>
          <dt>A file too large</dt>
          <dd>The job fails with a sentence that names the limit, and costs nothing.</dd>
        </div>
        <div>
          <dt>Jobs at once</dt>
          <dd>More than the plan runs at once wait for their turn; they are not refused.</dd>
        </div>
        <div>
          <dt>Calls a minute</dt>
          <dd>
            Requests over the limit get a 429 with a <code>Retry-After</code> header. Each
            answer tells what is left.
          </dd>
        </div>
        <div>
          <dt>A failed payment</dt>
          <dd>The plan holds for seven days while Stripe tries again; then it is the Free plan.</dd>
        </div>
        <div>
          <dt>Another plan</dt>
          <dd>
            A larger one holds at once, and you pay the difference for the rest of the month. A
            smaller one begins when the month ends. Cancel at any time, at Stripe's own pages.
          </dd>
        </div>
      </dl>
    </>
  ),
};
