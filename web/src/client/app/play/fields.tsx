// The form of a kind.
import { useId } from "preact/hooks";
import { fault, type Field, type Kind, type Values } from "./kinds";

interface FieldsProps {
  kind: Kind;
  values: Values;
  onValues(values: Values): void;
}

export function Fields({ kind, values, onValues }: FieldsProps) {
  return (
    <div class="grid fields">
      {kind.fields.map((field) => (
        <One
          key={`${kind.name}-${field.name}`}
          field={field}
          value={values[field.name] ?? ""}
          onValue={(value) => onValues({ ...values, [field.name]: value })}
        />
      ))}
    </div>
  );
}

interface OneProps {
  field: Field;
  value: string;
  onValue(value: string): void;
}

function One({ field, value, onValue }: OneProps) {
  const id = useId();
  const wrong = fault(field, value);
  const told = wrong || field.help;
  const common = {
    id,
    name: field.name,
    "aria-invalid": wrong ? true : undefined,
    "aria-describedby": told ? `${id}-help` : undefined,
  } as const;
  if (field.kind === "check")
    return (
      <div class="field check">
        <label for={id}>
          <input
            {...common}
            type="checkbox"
            checked={value !== ""}
            onChange={(event) => onValue(event.currentTarget.checked ? "yes" : "")}
          />
          <span>{field.label}</span>
        </label>
      </div>
    );
  return (
    <div class="field">
      <label for={id}>{field.label}</label>
      {field.kind === "select" ? (
        <select {...common} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
          {field.choices?.map((each) => (
            <option key={each.value} value={each.value}>{each.label}</option>
          ))}
        </select>
      ) : field.kind === "words" ? (
        <textarea
          {...common}
          rows={2}
          maxLength={10_000}
          value={value}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
      ) : (
        <input
          {...common}
          type={field.kind as "text"}
          min={field.min}
          max={field.max}
          step={field.kind === "number" ? (field.step ?? "any") : undefined}
          value={value}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
      )}
      {told && <small id={`${id}-help`} class={wrong ? "error" : undefined}>{told}</small>}
    </div>
  );
}
