import type { PageProps } from "../ui/layout";

export const home: PageProps = {
  path: "/",
  title: "FFmpeg Micro: FFmpeg as a service",
  about: "Send media by HTTP, choose an operation, download the result.",
  scripts: ["home.tsx"],
  children: (
    <>
      <h1>FFmpeg by HTTP</h1>
      <p class="lead">
        Send a file or name a URL, choose an operation, and download the result from a signed
        link.
      </p>
      <p class="row">
        <a class="button main" href="/sign-up">Sign up free</a>
        <a class="button" href="/docs">Read the docs</a>
        <span class="soft">100 minutes a month, no card.</span>
      </p>
      <section class="card try-box" aria-labelledby="try-it">
        <h2 id="try-it" class="first">Try it</h2>
        <div id="try">
          <p class="soft">Loading…</p>
          <noscript>
            This part needs JavaScript. The <a href="/docs">docs</a> show the same calls with curl.
          </noscript>
        </div>
      </section>
      <h2>What you can rely on</h2>
      <div class="grid reasons">
        <div>
          <h3>No job is lost</h3>
          <p>
            What is accepted ends exactly once: completed, failed or canceled. Machines may fall
            over; the job goes on elsewhere.
          </p>
        </div>
        <div>
          <h3>An honest bill</h3>
          <p>
            You pay by minutes of input, once a job. What fails through no fault of yours costs
            nothing, pictures cost nothing, and there are no overage charges.
          </p>
        </div>
        <div>
          <h3>Refusals that explain themselves</h3>
          <p>
            Each names the flag, the rule and another way. <code>POST /v1/validate</code> shows
            plan, argument list and cost before you run anything.
          </p>
        </div>
        <div>
          <h3>Ffmpeg, not a dialect</h3>
          <p>
            Some 150 flags and 320 filters as you know them, and short forms for what is hard to
            write: text, subtitles, watermarks, trims.
          </p>
        </div>
        <div>
          <h3>A receipt for every job</h3>
          <p>
            Hashes of what went in and came out, the argument list, ffmpeg's version, seconds and
            bytes: enough to run it again elsewhere.
          </p>
        </div>
        <div>
          <h3>Your files stay yours</h3>
          <p>
            Inputs are deleted after 3 days, outputs after 7, sooner if you say so. Nobody looks at
            them unless you ask. No trackers, no third parties on this site.
          </p>
        </div>
      </div>
      <h2>Open source</h2>
      <p>
        The whole of it can be run on one machine, or deployed to your own Vercel, Supabase and
        Stripe: the <a href="/docs/self-hosting">docs tell how</a>. The official clients of the hosted
        service work unmodified.
      </p>
    </>
  ),
};
