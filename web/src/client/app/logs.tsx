// Reports of jobs, and each access of the operator's staff to files.
import { Moment, Title, useApi, Waiting } from "./parts";
import type { Access, Report } from "../types";

export function Reports() {
  const reports = useApi<{ items: Report[] }>("/v1/account/reports");
  return (
    <>
      <Title page="Reports">Reports</Title>
      <p>
        What you told us of jobs that went wrong. While a report is open, we may look at the files
        of its job to help; never otherwise, but where the law requires it.
      </p>
      <Waiting of={reports} />
      {reports.data?.items.length === 0 && (
        <p class="soft">There are none. A job's page has the button “Report a problem”.</p>
      )}
      {reports.data?.items.map((report) => (
        <article class="card entry" key={report.id}>
          <p class="row">
            <strong>{report.state === "open" ? "Open" : "Closed"}</strong>
            <a href={`/jobs/${report.job_id}`}>the job</a>
            <span class="soft">
              <Moment at={report.created_at} />
              {report.closed_at && <>, closed <Moment at={report.closed_at} /></>}
            </span>
          </p>
          <p class="said">{report.message}</p>
        </article>
      ))}
    </>
  );
}

export function AccessLog() {
  const accesses = useApi<{ items: Access[] }>("/v1/account/access-log");
  return (
    <>
      <Title page="Access log">Access log</Title>
      <p>
        Each time that a member of our staff accessed your files: when, why, which, and until when the
        links worked. A mail tells you of each as well.
      </p>
      <Waiting of={accesses} />
      {accesses.data?.items.length === 0 && <p class="soft">Nobody has opened a file of yours.</p>}
      {accesses.data?.items.map((access) => (
        <article class="card entry" key={access.at + access.job_id}>
          <p class="row">
            <strong><Moment at={access.at} /></strong>
            <span>{access.who}</span>
            <a href={`/jobs/${access.job_id}`}>the job</a>
            <span class="soft">links until <Moment at={access.until} /></span>
          </p>
          <p class="said">{access.reason}</p>
          {access.legal_reference && <p>The law: {access.legal_reference}</p>}
          <ul class="files">{access.files.map((file) => <li key={file}><code>{file}</code></li>)}</ul>
        </article>
      ))}
      {accesses.data && accesses.data.items.length > 0 && (
        <p>You did not expect one of them? <a href="/support">Write to support</a>.</p>
      )}
    </>
  );
}
