// The Rust core (`src/client`): what decides. Loaded at its first use, so that an import alone
// costs nothing. `#wasm` is the loader that the build chose for the runtime.

import { loadCore } from "#wasm";
import { CreditEngineError } from "./errors.ts";
import type { Core } from "./wasm/instance.ts";

let loaded: Core | undefined;

export function core(): Core {
  loaded ??= loadCore();
  return loaded;
}

/** A value that the core gave; throws what it refused, in the engine's own words. */
export function accepted(text: string): string {
  if (!text.startsWith("!")) return text;
  const [code = "", field = "", detail = ""] = text.slice(1).split("\n");
  throw new CreditEngineError(`${field} ${detail}`, { code, status: 400, details: { field } });
}

/** Names and values in turn, as a call's row in `src/client/operation.rs` names them. */
export type Fields = string[];

/**
 * Adds a value under its wire name: `inputTokens` is `input_tokens`, and what is inside an
 * object has the object's name before it. What is undefined or null is left out. Judges nothing:
 * what a value must be is for the core to say.
 */
export function put(fields: Fields, name: string, value: unknown): void {
  if (value === undefined || value === null) return;
  const wire = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  if (value instanceof Date) fields.push(wire, value.toISOString());
  else if (typeof value === "object" && !Array.isArray(value)) {
    for (const [inner, part] of Object.entries(value)) put(fields, `${wire}.${inner}`, part);
  } else fields.push(wire, String(value));
}

/** Fields from an object. */
export function fieldsOf(values: Record<string, unknown>): Fields {
  const fields: Fields = [];
  for (const [name, value] of Object.entries(values)) put(fields, name, value);
  return fields;
}

/** Adds a value that the engine keeps as JSON, such as `metadata`. */
export function putJson(fields: Fields, name: string, value: unknown): void {
  const text = value === undefined || value === null ? undefined : JSON.stringify(value);
  if (text !== undefined) fields.push(name, text);
}
