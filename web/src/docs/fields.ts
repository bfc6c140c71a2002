// Schemas as rows of a table: nested objects by dots, lists by [].
import { nameOf, resolved, type Schema } from "./openapi";

export interface Field {
  name: string;
  type: string;
  required: boolean;
  limits: string;
  about: string;
}

/** Where the shape of a schema is told already, as Markdown; undefined for nowhere else. */
export type Elsewhere = (name: string) => string | undefined;

/** The field's own words, else those of the object it holds. */
function about(schema: Schema): string {
  const own = schema.description ?? resolved(schema).description;
  return own ?? (inside(schema) && resolved(inside(schema)!.schema).description) ?? "";
}

const WORDS: Record<string, string> = {
  string: "text",
  integer: "whole number",
  boolean: "true or false",
  array: "list",
};

export function fields(schema: Schema, elsewhere: Elsewhere, prefix = ""): Field[] {
  const { properties = {}, required = [] } = resolved(schema);
  return Object.entries(properties).flatMap(([key, value]) => {
    const name = prefix + key;
    const inner = inside(value);
    const told = inner && nameOf(inner.schema) && elsewhere(nameOf(inner.schema)!);
    const row: Field = {
      name,
      type: typeOf(value) + (told ? `, as of ${told}` : ""),
      required: required.includes(key),
      limits: limits(value),
      about: about(value),
    };
    return [row, ...(inner && !told ? fields(inner.schema, elsewhere, name + inner.step) : [])];
  });
}

/** What may be null, once without it; and of several ways the only one that is left. */
function choices(schema: Schema): Schema[] {
  const all = schema.anyOf ?? schema.oneOf ?? [schema];
  return all.flatMap((each) => (each === schema ? [each] : choices(each)));
}

const isNull = (schema: Schema) => schema.type === "null";

/** The object whose fields come next, and how to get there. */
function inside(schema: Schema): { schema: Schema; step: string } | undefined {
  const ways = choices(schema).filter((each) => !isNull(each));
  if (ways.length !== 1) return undefined;
  const only = ways[0]!;
  const open = resolved(only);
  if (open.properties) return { schema: only, step: "." };
  if (!open.items) return undefined;
  const inner = inside(open.items);
  return inner && { ...inner, step: `[]${inner.step}` };
}

function typeOf(schema: Schema): string {
  const words = choices(schema).flatMap((each) => {
    const { type, items, enum: values, const: only } = resolved(each);
    if (only !== undefined) return [`\`${JSON.stringify(only)}\``];
    if (values) return [values.every((value) => typeof value === "string") ? "text" : "value"];
    const names = typeof type === "string" ? [type] : (type ?? []);
    return names.map((name) =>
      items && name === "array" ? `list of ${plural(typeOf(items))}` : (WORDS[name] ?? name),
    );
  });
  return [...new Set(words)].join(" or ") || "any";
}

function plural(word: string): string {
  return { text: "texts", object: "objects", "whole number": "whole numbers" }[word] ?? word;
}

function limits(schema: Schema): string {
  return choices(schema).flatMap((each) => {
    const open = resolved(each);
    const { minimum, maximum, minLength, maxLength, minItems, maxItems } = open;
    const values = open.enum ?? open.items?.enum;
    return [
      values && `one of ${values.map((value) => `\`${value}\``).join(", ")}`,
      range(minimum, maximum),
      range(minLength, maxLength, "character"),
      range(minItems, maxItems, "item"),
      open.format && FORMATS[open.format],
      open.pattern && `matches \`${open.pattern}\``,
    ].filter(Boolean);
  }).concat(byDefault(schema)).join("; ");
}

const FORMATS: Record<string, string> = {
  uuid: "a UUID",
  "date-time": "a date and time, ISO 8601",
};

function range(low?: number, high?: number, thing?: string): string {
  const of = (count: number) => count.toLocaleString("en") + (thing ? ` ${thing}${count === 1 ? "" : "s"}` : "");
  if (low !== undefined && high !== undefined) return `${low.toLocaleString("en")} to ${of(high)}`;
  if (low !== undefined) return `at least ${of(low)}`;
  return high !== undefined ? `at most ${of(high)}` : "";
}

function byDefault({ default: value }: Schema): string[] {
  return value === undefined || value === null || value === "" ? [] : [`default \`${value}\``];
}
