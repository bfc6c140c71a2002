// Schemas of the OpenAPI document as rows of a table and as examples.
export interface Schema {
  $ref?: string;
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  description?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
}

export interface Row {
  name: string;
  type: string;
  required: boolean;
  about: string;
}

export class Schemas {
  constructor(private readonly all: Record<string, Schema>) {}

  /** What a reference stands for; null is left out of alternatives and told by `nullable`. */
  resolve(schema: Schema): { schema: Schema; nullable: boolean } {
    const { $ref, anyOf, description } = schema;
    if ($ref) {
      const name = $ref.split("/").pop() ?? "";
      const found = this.all[name];
      if (!found) throw new Error(`the OpenAPI document has no schema ${name}`);
      return this.resolve({ ...found, ...(description ? { description } : {}) });
    }
    const rest = anyOf?.filter((each) => each.type !== "null") ?? [];
    if (anyOf && rest.length === 1) {
      const { schema: only } = this.resolve(rest[0]!);
      const own = description ?? only.description;
      return { schema: { ...only, ...(own ? { description: own } : {}) }, nullable: rest.length < anyOf.length };
    }
    return { schema, nullable: anyOf !== undefined && rest.length < anyOf.length };
  }

  /** The fields of an object and of the objects in it, by their path. */
  rows(given: Schema, prefix = "", depth = 0): Row[] {
    const { schema } = this.resolve(given);
    if (depth > 3) return [];
    if (schema.type === "array" && schema.items) return this.rows(schema.items, `${prefix}[]`, depth);
    return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
      const { schema: of, nullable } = this.resolve(property);
      const path = prefix ? `${prefix}.${name}` : name;
      const row: Row = {
        name: path,
        type: this.type(of) + (nullable ? " or null" : ""),
        required: schema.required?.includes(name) ?? false,
        about: [property.description ?? (of.properties ? "" : of.description), limits(of)]
          .filter(Boolean)
          .join(" "),
      };
      return [row, ...this.rows(of, path, depth + 1)];
    });
  }

  private type(given: Schema): string {
    const { schema } = this.resolve(given);
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(", ");
    if (schema.anyOf) return schema.anyOf.map((each) => this.type(each)).join(" or ");
    if (schema.type === "array") return `list of ${schema.items ? this.type(schema.items) : "anything"}`;
    if (Array.isArray(schema.type)) return schema.type.join(" or ");
    return schema.format ? `${schema.type} (${schema.format})` : (schema.type ?? "anything");
  }

  /** A value as the service would send it. */
  example(given: Schema, name = ""): unknown {
    const { schema, nullable } = this.resolve(given);
    if (schema.const !== undefined) return schema.const;
    if (schema.enum) return schema.enum.includes("completed") ? "completed" : schema.enum[0];
    if (schema.anyOf) return this.example(schema.anyOf[0]!, name);
    const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
    if (type === "object")
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([key, each]) => [key, this.example(each, key)]),
      );
    if (type === "array") return schema.items ? [this.example(schema.items, name)] : [];
    if (type === "boolean") return true;
    if (type === "integer" || type === "number") return NUMBERS[name] ?? 1;
    if (nullable && !(name in TEXTS) && !/(_at|_until)$/i.test(name)) return null;
    return text(name);
  }
}

const ID = "3f0c8a4e-9d3b-4c55-8d0e-0a6a3c1f2b7d";
const NUMBERS: Record<string, number> = {
  size_bytes: 991017, fileSize: 991017, page: 1, limit: 20, total: 1, progress: 100,
  billable_minutes: 0.3167, duration_seconds: 19, duration: 19, price_cents: 2900,
  minutes_per_month: 500, minutes_left: 99.6833, minutes_limit: 100,
};
const TEXTS: Record<string, string> = {
  output_format: "mp4", outputFormat: "mp4", format: "mp4", filename: "holiday.mp4",
  email: "ann@example.com", name: "Ann Example", period: "2026-11", currency: "usd",
  url: "https://…", uploadUrl: "https://…", downloadUrl: "https://…", output_url: "gs://outputs/…",
  fileUrl: "gs://uploads/…", key: "ffm_…", starts_with: "ffm_Ab3d", label: "website",
  message: "…", error: "A sentence that says what to do.", version: "1", plan: "free",
  sha256: "9f86d081884c7d65…", ffmpeg: "7.1.1", date: "2026-11-23",
};

function text(name: string): string {
  if (name === "id" || name.endsWith("_id")) return ID;
  if (/(_at|At|_until|_end|timestamp)$/.test(name)) return "2026-11-23T10:15:00.000Z";
  return TEXTS[name] ?? "…";
}

function limits(schema: Schema): string {
  const { minimum, maximum, maxLength, minItems, maxItems } = schema;
  const told: string[] = [];
  if (minimum !== undefined && maximum !== undefined) told.push(`From ${minimum} to ${maximum}.`);
  else if (minimum !== undefined) told.push(`At least ${minimum}.`);
  else if (maximum !== undefined) told.push(`At most ${maximum}.`);
  if (maxLength !== undefined) told.push(`At most ${maxLength} characters.`);
  if (maxItems !== undefined) told.push(`${minItems ?? 0} to ${maxItems} of them.`);
  return told.join(" ");
}
