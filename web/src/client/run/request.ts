// A create request as POST /v1/transcodes takes it, and the same as code to paste.
export interface OptionItem {
  option: string;
  argument?: unknown;
}

export interface JobRequest {
  inputs: { url: string; options?: OptionItem[] }[];
  outputFormat: string;
  preset?: { quality?: string; resolution?: string };
  options?: OptionItem[];
  filters?: { filter: string }[];
}

/** A file on the caller's disk that the code uploads first; its address stands for the upload's. */
export interface LocalFile {
  name: string;
  type: string;
}

/** Stands in a request for the file that the code uploads. */
export const UPLOADED = "gs://YOUR_UPLOAD";

export const LANGUAGES = ["curl", "Python", "JavaScript"] as const;
export type Language = (typeof LANGUAGES)[number];

const KEY = "YOUR_KEY";

/** The request as a program: upload if there is a file, create, wait, download. */
export function program(
  language: Language,
  request: JobRequest,
  origin: string,
  file?: LocalFile,
): string {
  const lines = { curl, Python: python, JavaScript: javascript }[language];
  return lines(request, origin, file).join("\n");
}

/** JSON that a shell takes between single quotes. */
function quoted(json: string): string {
  return `'${json.replaceAll("'", `'\\''`)}'`;
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : quoted(text);
}

function curl(request: JobRequest, origin: string, file?: LocalFile): string[] {
  const lines = [`API=${origin} KEY=${KEY}`];
  const send = ['-H "Authorization: Bearer $KEY"', '-H "Content-Type: application/json"'].join(" ");
  if (file) {
    const told = JSON.stringify({ filename: file.name, contentType: file.type, fileSize: 0 });
    const name = shellWord(file.name);
    lines.push(
      `FILE=${name}; SIZE=$(wc -c < "$FILE" | tr -d ' ')`,
      "",
      "# 1. A link to upload to, the upload, its confirmation",
      `LINK=$(curl -sf $API/v1/upload/presigned-url ${send} \\`,
      `  -d ${quoted(told).replace('"fileSize":0', `"fileSize":'$SIZE'`)})`,
      `NAME=$(echo "$LINK" | jq -r .result.filename)`,
      `curl -sf -X PUT -H "Content-Type: ${file.type}" --data-binary @"$FILE" \\`,
      `  "$(echo "$LINK" | jq -r .result.uploadUrl)"`,
      `URL=$(curl -sf $API/v1/upload/confirm ${send} \\`,
      `  -d '{"filename":"'$NAME'","fileSize":'$SIZE'}' | jq -r .result.fileUrl)`,
    );
  }
  const body = quoted(literal(request, JSON_WORDS, "  ")).replaceAll(UPLOADED, "'$URL'");
  lines.push(
    "",
    `# ${file ? 2 : 1}. The job`,
    `JOB=$(curl -sf $API/v1/transcodes ${send} \\`,
    `  -d ${body} | jq -r .id)`,
    "",
    `# ${file ? 3 : 2}. Wait for its end, then download`,
    `until curl -sf $API/v1/transcodes/$JOB -H "Authorization: Bearer $KEY" \\`,
    `  | jq -re 'select(.status != "pending" and .status != "processing") | .status'; do sleep 2; done`,
    `curl -sf -o result.${request.outputFormat} "$(curl -sf $API/v1/transcodes/$JOB/download \\`,
    `  -H "Authorization: Bearer $KEY" | jq -r .url)"`,
  );
  return lines;
}

/** Words of a language for what JSON calls null, true and false, and for the upload's address. */
interface Words {
  null: string;
  true: string;
  false: string;
  upload: string;
}
const JSON_WORDS: Words = { null: "null", true: "true", false: "false", upload: `"${UPLOADED}"` };
const SCRIPT_WORDS: Words = { ...JSON_WORDS, upload: "url" };
const PYTHON_WORDS: Words = { null: "None", true: "True", false: "False", upload: "url" };

/** A value as source text, on one line where it fits. */
function literal(value: unknown, words: Words, step: string, indent = ""): string {
  if (value === null || value === undefined) return words.null;
  if (typeof value === "boolean") return words[`${value}`];
  if (value === UPLOADED) return words.upload;
  if (typeof value !== "object") return JSON.stringify(value);
  const deeper = indent + step;
  const items = Array.isArray(value)
    ? value.map((each) => literal(each, words, step, deeper))
    : Object.entries(value)
        .filter(([, each]) => each !== undefined)
        .map(([key, each]) => `${JSON.stringify(key)}: ${literal(each, words, step, deeper)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const short = `${open}${items.join(", ")}${close}`;
  if (short.length + indent.length < 76 && !short.includes("\n")) return short;
  return `${open}\n${items.map((item) => deeper + item).join(",\n")}\n${indent}${close}`;
}

function python(request: JobRequest, origin: string, file?: LocalFile): string[] {
  const lines = [
    file ? "import pathlib, time" : "import time",
    "import httpx",
    "",
    `api = httpx.Client(base_url=${JSON.stringify(origin)}, timeout=60,`,
    `                   headers={"Authorization": "Bearer ${KEY}"})`,
    "",
  ];
  if (file)
    lines.push(
      "def ask(method, path, json=None):",
      "    return api.request(method, path, json=json).raise_for_status().json()",
      "",
      `file = pathlib.Path(${JSON.stringify(file.name)})`,
      "size = file.stat().st_size",
      `link = ask("POST", "/v1/upload/presigned-url", {`,
      `    "filename": file.name, "contentType": ${JSON.stringify(file.type)}, "fileSize": size})["result"]`,
      `httpx.put(link["uploadUrl"], content=file.read_bytes(), timeout=None,`,
      `          headers={"Content-Type": ${JSON.stringify(file.type)}}).raise_for_status()`,
      `url = ask("POST", "/v1/upload/confirm", {`,
      `    "filename": link["filename"], "fileSize": size})["result"]["fileUrl"]`,
      "",
    );
  else
    lines.push(
      "def ask(method, path, json=None):",
      "    return api.request(method, path, json=json).raise_for_status().json()",
      "",
    );
  lines.push(
    `job = ask("POST", "/v1/transcodes", ${literal(request, PYTHON_WORDS, "    ")})`,
    `while job["status"] in ("pending", "processing"):`,
    "    time.sleep(2)",
    `    job = ask("GET", f"/v1/transcodes/{job['id']}")`,
    `if job["status"] != "completed":`,
    `    raise SystemExit(job["error_message"])`,
    `link = ask("GET", f"/v1/transcodes/{job['id']}/download")`,
    `with open("result.${request.outputFormat}", "wb") as out:`,
    `    out.write(httpx.get(link["url"], timeout=None).raise_for_status().content)`,
  );
  return lines;
}

function javascript(request: JobRequest, origin: string, file?: LocalFile): string[] {
  const body = literal(request, SCRIPT_WORDS, "  ");
  const lines = [
    file
      ? `import { readFile, writeFile } from "node:fs/promises";`
      : `import { writeFile } from "node:fs/promises";`,
    "",
    "async function ask(method, path, body) {",
    `  const answer = await fetch(${JSON.stringify(origin)} + path, {`,
    "    method,",
    `    headers: { Authorization: "Bearer ${KEY}", "Content-Type": "application/json" },`,
    "    body: body && JSON.stringify(body),",
    "  });",
    "  const told = await answer.json();",
    "  if (!answer.ok) throw new Error(told.error);",
    "  return told;",
    "}",
    "",
  ];
  if (file)
    lines.push(
      `const file = await readFile(${JSON.stringify(file.name)});`,
      `const { result: link } = await ask("POST", "/v1/upload/presigned-url", {`,
      `  filename: ${JSON.stringify(file.name)},`,
      `  contentType: ${JSON.stringify(file.type)},`,
      "  fileSize: file.length,",
      "});",
      "await fetch(link.uploadUrl, {",
      `  method: "PUT", body: file, headers: { "Content-Type": ${JSON.stringify(file.type)} },`,
      "});",
      `const { result: { fileUrl: url } } = await ask("POST", "/v1/upload/confirm", {`,
      "  filename: link.filename, fileSize: file.length,",
      "});",
      "",
    );
  lines.push(
    `let job = await ask("POST", "/v1/transcodes", ${body});`,
    `while (job.status === "pending" || job.status === "processing") {`,
    "  await new Promise((done) => setTimeout(done, 2000));",
    "  job = await ask(\"GET\", `/v1/transcodes/${job.id}`);",
    "}",
    `if (job.status !== "completed") throw new Error(job.error_message);`,
    "const { url: result } = await ask(\"GET\", `/v1/transcodes/${job.id}/download`);",
    `await writeFile("result.${request.outputFormat}", await (await fetch(result)).bytes());`,
  );
  return lines;
}
