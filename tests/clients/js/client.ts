// A client as `openapi-typescript` and `openapi-fetch` make it, compiled under `strict`. It creates
// the plainest job and one with an @text-overlay, waits for both, and prints the results.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type JobRequest = components["schemas"]["TranscodeRequest"];
type Job = components["schemas"]["Transcode"];

declare const process: { env: Record<string, string | undefined>; exitCode?: number };
const { API_URL = "", API_KEY = "", INPUT_URL = "" } = process.env;
const api = createClient<paths>({
  baseUrl: API_URL,
  headers: { Authorization: `Bearer ${API_KEY}` },
});

async function run(body: JobRequest): Promise<Job> {
  const created = await api.POST("/v1/transcodes", { body });
  if (created.error) throw new Error(`${created.error.code}: ${created.error.message}`);
  for (;;) {
    const read = await api.GET("/v1/transcodes/{id}", { params: { path: { id: created.data.id } } });
    if (read.error) throw new Error(`${read.error.code}: ${read.error.message}`);
    if (!["pending", "processing"].includes(read.data.status)) return read.data;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const plain = await run({ inputs: [{ url: INPUT_URL }], outputFormat: "mp4" });
const overlay = await run({
  inputs: [{ url: INPUT_URL }],
  outputFormat: "mp4",
  options: [{ option: "@text-overlay", argument: { text: "Hello", style: { fontSize: 24 } } }],
});
const unknown = await api.GET("/v1/transcodes/{id}", {
  params: { path: { id: "00000000-0000-0000-0000-000000000007" } },
});
const { url } = (
  await api.GET("/v1/transcodes/{id}/download", { params: { path: { id: overlay.id } } })
).data ?? { url: "" };
console.log(
  JSON.stringify({
    plain: plain.status,
    overlay: overlay.status,
    code: unknown.error?.code,
    downloaded: (await fetch(url)).ok,
  }),
);
