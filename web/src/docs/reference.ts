// The API reference as Markdown, from the OpenAPI document that the service itself serves.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { Schemas, type Row, type Schema } from "./schema";

const DOCUMENT = join(import.meta.dirname, "..", "..", "lib", "http", "service", "openapi.yaml");

interface Content {
  content?: Record<string, { schema: Schema; example?: unknown }>;
}

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema: Schema;
  description?: string;
}

interface Operation {
  summary: string;
  description?: string;
  tags: string[];
  security?: Record<string, unknown>[];
  parameters?: Parameter[];
  requestBody?: Content;
  responses: Record<string, Content & { description: string }>;
}

interface Document {
  info: { description: string };
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation> & { parameters?: Parameter[] }>;
  components: { schemas: Record<string, Schema> };
}

const METHODS = ["get", "post", "patch", "put", "delete"];
const JSON_TYPE = "application/json";

const document: Document = parse(readFileSync(DOCUMENT, "utf8"));
const schemas = new Schemas(document.components.schemas);

/** All of it. */
export function reference(): string {
  const parts = [
    `${document.info.description} The document itself: [openapi.yaml](/openapi.yaml).`,
    "Every call carries `Authorization: Bearer YOUR_KEY`, unless it is said otherwise.",
  ];
  for (const { name } of document.tags) {
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      METHODS.filter((method) => methods[method]?.tags.includes(name)).map((method) =>
        route(method.toUpperCase(), path, methods[method]!, methods.parameters ?? []),
      ),
    );
    parts.push(`## ${name}`, ...operations);
  }
  return parts.join("\n\n");
}

function route(method: string, path: string, operation: Operation, shared: Parameter[]): string {
  const parameters = [...shared, ...(operation.parameters ?? [])];
  const body = operation.requestBody?.content?.[JSON_TYPE];
  const parts = [`### ${operation.summary}`, `\`${method} ${path}\``];
  if (operation.description) parts.push(operation.description);
  if (parameters.length) parts.push("**Parameters**", parameterTable(parameters));
  if (body) parts.push("**Body**", table(schemas.rows(body.schema)));
  parts.push(code("bash", call(method, path, body?.example, operation.security?.length === 0)));
  for (const [status, response] of Object.entries(operation.responses)) {
    if (Number(status) >= 400) continue;
    const schema = response.content?.[JSON_TYPE]?.schema;
    parts.push(`**Answer ${status}**`);
    if (!schema) {
      const kind = Object.keys(response.content ?? {})[0];
      parts.push(kind ? `As \`${kind}\`.` : Number(status) === 302 ? "Leads on to the file." : "Empty.");
      continue;
    }
    parts.push(table(schemas.rows(schema)));
    parts.push(code("json", JSON.stringify(schemas.example(schema), null, 2)));
  }
  parts.push("**Errors**", errors(operation));
  return parts.join("\n\n");
}

function call(method: string, path: string, example: unknown, open: boolean): string {
  const words = ["curl"];
  if (method !== "GET") words.push(`-X ${method}`);
  const address = `https://YOUR-HOST${path.replace(/\{(\w+)\}/g, (_, name: string) => name.toUpperCase())}`;
  const lines = [[...words, address].join(" ")];
  if (!open) lines.push('-H "Authorization: Bearer YOUR_KEY"');
  if (example !== undefined)
    lines.push('-H "Content-Type: application/json"', `-d '${JSON.stringify(example, null, 2)}'`);
  return lines.join(" \\\n  ");
}

function code(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}

/** Text for a cell: a bar would end it. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function table(rows: Row[]): string {
  if (!rows.length) return "An object.";
  const lines = rows.map(
    ({ name, type, required, about }) =>
      `| \`${name}\` | ${cell(type)} | ${required ? "always" : ""} | ${cell(about)} |`,
  );
  return ["| field | type | there | what it is |", "|---|---|---|---|", ...lines].join("\n");
}

function parameterTable(parameters: Parameter[]): string {
  const lines = parameters.map((each) => {
    const { schema } = each;
    const type = schema.enum?.join(", ") ?? [schema.type, schema.format].filter(Boolean).join(", ");
    return `| \`${each.name}\` | ${each.in} | ${cell(String(type))} | ${cell(each.description ?? "")} |`;
  });
  return ["| name | in | type | what it is |", "|---|---|---|---|", ...lines].join("\n");
}

function errors(operation: Operation): string {
  const lines = Object.entries(operation.responses)
    .filter(([status]) => Number(status) >= 400)
    .map(([status, { description }]) => `| ${status} | ${cell(description)} |`);
  if (!lines.length) return "None of its own.";
  return ["| status | what it means |", "|---|---|", ...lines].join("\n");
}
