// The parts of an OpenAPI 3.1 document that ours has.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

export interface Schema {
  $ref?: string;
  title?: string;
  description?: string;
  type?: string | string[];
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  required?: string[];
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
}

export interface Parameter {
  name: string;
  in: "path" | "query";
  required?: boolean;
  description?: string;
  schema: Schema;
}

type Content = Record<string, { schema: Schema }>;

export interface Answer {
  description: string;
  content?: Content;
}

export interface Operation {
  operationId: string;
  summary: string;
  description?: string;
  security?: Record<string, unknown>[];
  parameters?: Parameter[];
  requestBody?: { content: Content };
  responses: Record<string, Answer>;
}

export interface Route extends Operation {
  method: string;
  path: string;
  parameters: Parameter[];
}

const METHODS = ["get", "post", "put", "patch", "delete"] as const;

type PathItem = { parameters?: Parameter[] } & Partial<Record<(typeof METHODS)[number], Operation>>;

interface Document {
  paths: Record<string, PathItem>;
  components: { schemas: Record<string, Schema> };
}

const document: Document = parse(
  readFileSync(join(import.meta.dirname, "..", "..", "lib", "http", "openapi.yaml"), "utf8"),
);

export const routes: Route[] = Object.entries(document.paths).flatMap(([path, item]) =>
  METHODS.flatMap((method) => {
    const operation = item[method];
    const parameters = [...(item.parameters ?? []), ...(operation?.parameters ?? [])];
    return operation ? [{ ...operation, method: method.toUpperCase(), path, parameters }] : [];
  }),
);

/** A schema's name in the components, if it is told by reference. */
export function nameOf(schema: Schema): string | undefined {
  return schema.$ref?.split("/").at(-1);
}

/** What a schema says, references followed. */
export function resolved(schema: Schema): Schema {
  const name = nameOf(schema);
  if (!name) return schema;
  const found = document.components.schemas[name];
  if (!found) throw new Error(`openapi.yaml has no schema ${name}`);
  return resolved(found);
}

/** Whether a key does not do: our summaries say so. */
export function needsSession({ summary }: Route): boolean {
  return summary.includes("needs a session");
}
