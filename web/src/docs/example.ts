// A curl call for each route, its body made from the schema.
import { nameOf, needsSession, resolved, type Route, type Schema } from "./openapi";

/** What stands in examples, by a field's name. */
const VALUES: Record<string, unknown> = {
  id: "5b0c1c1e-7a54-4a3f-9a55-0f6d3c6b2a10",
  key_id: "0d5f9f0a-6a3e-4c19-8f0e-52b3f6f1a9d4",
  index: 0,
  version: "1",
  filename: "20261124-120000-1a2b3c4d-holiday.mp4",
  contentType: "video/mp4",
  fileSize: 1048576,
  url: "https://YOUR-HOST/sample.mp4",
  outputFormat: "webm",
  quality: "medium",
  resolution: "720p",
  label: "laptop",
  name: "Ann Example",
  message: "The sound is gone from 0:10 on.",
  email: "ann@example.com",
  password: "your password",
  plan: "starter",
  period: "2026-11",
};

/** What is shown of a body beside what is required. */
const SHOWN: Record<string, string[]> = {
  createTranscode: ["preset", "quality", "resolution"],
  validate: ["preset", "resolution"],
  changeAccount: ["name"],
  deleteAccount: ["password"],
  createKey: ["label"],
  writeToSupport: ["email"],
};

/** Values that differ from VALUES for one route. */
const OWN: Record<string, Record<string, unknown>> = {
  createUpload: { filename: "holiday.mp4" },
  probe: { url: "gs://uploads/YOUR-ACCOUNT/20261124-120000-1a2b3c4d-holiday.mp4" },
};

export function curl(route: Route): string {
  const { method, parameters, path, requestBody, security } = route;
  const query = parameters
    .filter((each) => each.in === "query" && (each.required || each.name === "period" || signed(each.name)))
    .map((each) => `${each.name}=${VALUES[each.name] ?? "FROM-THE-LINK"}`)
    .join("&");
  const at = path.replace(/\{(\w+)\}/g, (_, name: string) => String(VALUES[name] ?? name));
  const address = `https://YOUR-HOST${at}${query ? `?${query}` : ""}`;
  const bearer = security?.some((each) => "operatorSecret" in each)
    ? "$CRON_SECRET"
    : needsSession(route) ? "$TOKEN" : "$KEY";
  const open = security?.every((each) => Object.keys(each).length === 0);
  const body = requestBody?.content["application/json"]?.schema;
  const sends = body && JSON.stringify(example(body, route.operationId), null, 2);
  const lines = [
    `curl${method === "GET" || (method === "POST" && body) ? "" : ` -X ${method}`} ${quoted(address)}`,
    !open && `-H "Authorization: Bearer ${bearer}"`,
    sends && `-H "Content-Type: application/json"`,
    sends && `-d '${sends.replaceAll("'", `'\\''`)}'`,
  ];
  return lines.filter(Boolean).join(" \\\n  ");
}

const signed = (name: string) => name === "expires" || name === "signature";

function quoted(address: string): string {
  return /[&?]/.test(address) ? `'${address}'` : address;
}

function example(schema: Schema, operation: string, key = ""): unknown {
  const value = OWN[operation]?.[key] ?? VALUES[key];
  if (value !== undefined) return value;
  const only = schema.anyOf?.find((each) => each.type !== "null") ?? schema;
  const open = resolved(only);
  if (open.items) return [example(open.items, operation)];
  if (!open.properties) throw new Error(`${operation}: no example for ${key || nameOf(schema)}`);
  const shown = Object.entries(open.properties).filter(
    ([name]) => open.required?.includes(name) || SHOWN[operation]?.includes(name),
  );
  return Object.fromEntries(shown.map(([name, each]) => [name, example(each, operation, name)]));
}
