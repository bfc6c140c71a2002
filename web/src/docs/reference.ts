// The API reference as Markdown, from lib/http/openapi.yaml.
import { slug } from "../pages/markdown";
import { curl } from "./example";
import { fields, type Elsewhere, type Field } from "./fields";
import { nameOf, needsSession, resolved, routes, type Answer, type Route } from "./openapi";

/** The groups, each with the beginnings of the paths that are in it; the longest one counts. */
const GROUPS: Record<string, string[]> = {
  Uploads: ["/v1/upload", "/v1/ffprobe"],
  Jobs: ["/v1/validate", "/v1/transcodes"],
  Account: ["/v1/account"],
  Keys: ["/v1/api-keys"],
  Billing: ["/v1/billing", "/hooks/stripe"],
  Privacy: [
    "/v1/account/export", "/v1/account/reports", "/v1/account/access-log", "/v1/policies",
    "/v1/support",
  ],
  Service: ["/"],
};

function groupOf({ path }: Route): string {
  const fits = Object.entries(GROUPS).flatMap(([group, starts]) =>
    starts.filter((start) => path.startsWith(start)).map((start) => ({ group, start })),
  );
  return fits.sort((a, b) => b.start.length - a.start.length)[0]!.group;
}

const title = (route: Route) => `${route.method} ${route.path}`;
const link = (route: Route, text = title(route)) => `[${text}](#${slug(title(route))})`;

export function reference(): string {
  const groups = Object.keys(GROUPS).map((group) => ({
    group,
    members: routes.filter((route) => groupOf(route) === group),
  }));
  const contents = groups.map(
    ({ group, members }) =>
      `**[${group}](#${slug(group)})**\n\n` +
      members.map((route) => `- ${link(route)}: ${sentence(route)}`).join("\n"),
  );
  const told = groups.map(({ group, members }) => [`## ${group}`, ...members.map(section)].join("\n\n"));
  return [BEGINNING, ...contents, ...told].join("\n\n");
}

const BEGINNING = `Made from the [OpenAPI document](/openapi.yaml), which is made from the code that
parses requests and writes answers. Bodies are JSON in UTF-8, at most 4.5 MB. In the examples
\`$KEY\` is an [API key](/keys), and \`$TOKEN\` the access token of a
[session](/docs/accounts#a-session-by-http).

An error's body is \`{"error": "…", "details": "…"}\`, with \`details\` only where there is more to
say; [errors](/docs/errors) tells what to do. Each answer carries \`X-Request-Id\`: quote it when you
write to [support](/support).`;

function sentence({ summary }: Route): string {
  return `${summary.replace(/; needs (a session|no key)[^;]*/, "")}.`;
}

function section(route: Route): string {
  const { parameters, requestBody, responses } = route;
  const body = requestBody?.content["application/json"]?.schema;
  const done = Object.entries(responses).filter(([status]) => Number(status) < 400);
  const errors = Object.entries(responses).filter(([status]) => Number(status) >= 400);
  return [
    `### ${title(route)}`,
    sentence(route),
    route.description,
    who(route),
    parameters.length > 0 && `**Parameters**\n\n${table(parameters.map((each) => ({
      ...fields({ properties: { [each.name]: each.schema } }, () => undefined)[0]!,
      required: each.required ?? false,
      about: [`in the ${each.in}`, each.description].filter(Boolean).join(": "),
    })))}`,
    body && `**Body**\n\n${table(fields(body, () => undefined))}`,
    `**Example**\n\n\`\`\`sh\n${curl(route)}\n\`\`\``,
    ...done.map(([status, answer]) => success(route, status, answer)),
    `**Errors**\n\n| status | when |\n|---|---|\n${errors
      .map(([status, answer]) => `| ${status} | ${answer.description}${errorFields(answer)} |`)
      .join("\n")}`,
  ].filter(Boolean).join("\n\n");
}

function who(route: Route): string {
  const { security } = route;
  if (security?.some((each) => "operatorSecret" in each))
    return "Needs the operator's `CRON_SECRET` as the bearer.";
  if (security?.some((each) => Object.keys(each).length === 0)) return "A key is not required.";
  if (security) return "Needs no key.";
  if (needsSession(route)) return "Needs a session's access token; a key is answered with 403.";
  return route.method === "GET"
    ? "Needs a key with the scope `read`, or a session's access token."
    : "Needs a key with the scope `jobs`, or a session's access token.";
}

function success(route: Route, status: string, { content }: Answer): string {
  const head = `**Answer: ${status}**`;
  if (status === "302") return `${head}\n\nA redirect; \`Location\` and \`url\` say where to.`;
  const schema = content?.["application/json"]?.schema;
  if (!schema) return `${head}\n\n${content ? `As \`${Object.keys(content)[0]}\`.` : "No body."}`;
  const about = resolved(schema).description;
  return [head, about, table(fields(schema, elsewhere(route)), "answer")].filter(Boolean).join("\n\n");
}

/** An answer of a GET is told there, and only named where another answer holds it. */
function elsewhere(here: Route): Elsewhere {
  return (name) => {
    const home = routes.find(
      ({ method, responses }) =>
        method === "GET" && nameOf(responses["200"]?.content?.["application/json"]?.schema ?? {}) === name,
    );
    return home && home !== here ? link(home) : undefined;
  };
}

/** What an error holds beside `error` and `details`. */
function errorFields({ content }: Answer): string {
  const schema = content?.["application/json"]?.schema ?? {};
  const more = Object.keys(resolved(schema).properties ?? {})
    .filter((name) => name !== "error" && name !== "details")
    .map((name) => `\`${name}\``);
  return more.length > 0 ? ` It holds ${more.join(" and ")} too.` : "";
}

function table(rows: Field[], kind: "request" | "answer" = "request"): string {
  const cell = (text: string) => text.replace(/\s*\n\s*/g, " ").replaceAll("|", "\\|");
  const must = (row: Field) =>
    kind === "request" ? (row.required ? "required" : "") : row.required ? "" : "may be absent";
  const about = (row: Field) =>
    [...[must(row), row.limits].filter(Boolean).map(sentenceCase), row.about && ended(row.about)]
      .filter(Boolean)
      .join(" ");
  return [
    "| field | type | what it is |",
    "|---|---|---|",
    ...rows.map((row) => `| \`${row.name}\` | ${cell(row.type)} | ${cell(about(row))} |`),
  ].join("\n");
}

function sentenceCase(text: string): string {
  return ended(text[0]!.toUpperCase() + text.slice(1));
}

function ended(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
