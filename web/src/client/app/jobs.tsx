// All jobs, a page at a time, by status and text; pages with unfinished jobs are read again.
import { useEffect, useState } from "preact/hooks";
import { amount, minutes } from "../format";
import { jobName, Moment, StatusWord, Title, underWay, useApi, Waiting } from "./parts";
import { navigate, useAddress } from "./router";
import type { Job, Page, Status } from "../types";

const STATUSES: Status[] = ["pending", "processing", "completed", "failed", "canceled"];
const LIMIT = 20;

export function Jobs() {
  const query = useAddress().searchParams;
  const status = query.get("status") ?? "";
  const search = query.get("q") ?? "";
  const cursor = query.get("cursor") ?? "";
  const wanted = new URLSearchParams({ limit: String(LIMIT) });
  if (cursor) wanted.set("cursor", cursor);
  if (status) wanted.set("status", status);
  if (search) wanted.set("q", search);
  const jobs = useApi<Page<Job>>(`/v1/transcodes?${wanted}`, (read) =>
    read.items.some(underWay) ? 2_500 : 15_000,
  );
  const { data } = jobs;
  const next = data?.next_cursor;
  return (
    <>
      <Title page="Jobs">Jobs</Title>
      <div class="row between">
        <label class="inline">
          Status
          <select
            value={status}
            onChange={(event) => navigate(address(event.currentTarget.value, search))}
          >
            <option value="">All</option>
            {STATUSES.map((each) => (
              <option key={each} value={each}>{each[0]?.toUpperCase() + each.slice(1)}</option>
            ))}
          </select>
        </label>
        <Search of={search} onSearch={(next) => navigate(address(status, next), "replace")} />
        <span class="soft" role="status">{data && count(data.total)}</span>
      </div>
      <Waiting of={jobs} />
      {data &&
        (data.items.length > 0 ? (
          <JobTable jobs={data.items} />
        ) : status || search ? (
          <p>No job is like that. <a href="/jobs">Show all</a></p>
        ) : (
          <p>
            There are no jobs yet. <a href="/keys">Make a key</a> and send the first one, or try the{" "}
            <a href="/playground">playground</a>. The <a href="/docs">docs</a> tell how.
          </p>
        ))}
      {(cursor || next) && (
        <nav class="row" aria-label="Pages">
          {cursor && <a class="button" href={address(status, search)}>Newest</a>}
          {next && <a class="button" href={address(status, search, next)}>Older</a>}
        </nav>
      )}
    </>
  );
}

const PAUSE_MS = 350;

/** Asks once nobody has typed for a moment. */
function Search({ of: asked, onSearch }: { of: string; onSearch(text: string): void }) {
  const [text, setText] = useState(asked);
  useEffect(() => {
    if (text.trim() === asked) return;
    const timer = setTimeout(() => onSearch(text.trim()), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, asked]);
  return (
    <label class="inline">
      Search
      <input
        type="search"
        placeholder="name, address or id"
        maxLength={200}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </label>
  );
}

function count(total: number): string {
  return total === 1 ? "1 job" : `${amount(total)} jobs`;
}

function address(status: string, search: string, cursor = ""): string {
  const query = new URLSearchParams();
  if (search) query.set("q", search);
  if (status) query.set("status", status);
  if (cursor) query.set("cursor", cursor);
  return `/jobs${query.size ? `?${query}` : ""}`;
}

function charged(job: Job): string {
  if (job.status === "failed" || job.status === "canceled") return "none";
  return minutes(job.billable_minutes);
}

export function JobTable({ jobs }: { jobs: Job[] }) {
  return (
    <div class="table">
      <table class="stack">
        <thead>
          <tr>
            <th scope="col">Job</th>
            <th scope="col">Status</th>
            <th scope="col">Minutes</th>
            <th scope="col">Created</th>
          </tr>
        </thead>
        <tbody>
          {jobs.map((job) => (
            <tr key={job.id}>
              <th scope="row"><a href={`/jobs/${job.id}`}>{jobName(job)}</a></th>
              <td data-label="Status"><StatusWord job={job} /></td>
              <td data-label="Minutes">{charged(job)}</td>
              <td data-label="Created"><Moment at={job.created_at} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
