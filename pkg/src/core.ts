// The Rust core (`src/client`): what decides. Loaded at its first use, so that an import alone
// costs nothing. `#wasm` is the loader that the build chose for the runtime.

import { loadCore } from "#wasm";
import { CreditEngineError } from "./errors.ts";
import type { Core } from "./wasm/instance.ts";

/** Between what the core is handed as one text. */
const BETWEEN = "\0";

const wireNames = new Map<string, string>();
const MOST_WIRE_NAMES = 200;

let loaded: Core | undefined;

export function core(): Core {
  loaded ??= loadCore();
  return loaded;
}

/** A value that the core gave; throws what it refused, in the engine's own words. */
export function accepted(text: string): string {
  if (!text.startsWith("!")) return text;
  const [code = "", field = "", detail = ""] = text.slice(1).split("\n");
  throw refusal(code, field, detail);
}

function refusal(code: string, field: string, detail: string): CreditEngineError {
  return new CreditEngineError(`${field} ${detail}`, { code, status: 400, details: { field } });
}

/** What is sent, but for the host, the key and the headers. */
export interface Request {
  method: string;
  path: string;
  body: string | undefined;
}

/** Builds what is sent; throws for a value that cannot be. */
export function requestOf(call: string, fields: Fields): Request {
  const cut = fields.findIndex((text) => text.includes(BETWEEN));
  if (cut >= 0)
    throw refusal("invalid_field", fields[cut - (cut % 2)] ?? "", "must not have a NUL in it");
  const text = accepted(core().request(call + BETWEEN + fields.join(BETWEEN)));
  const afterMethod = text.indexOf("\n");
  const afterPath = text.indexOf("\n", afterMethod + 1);
  const hasBody = afterPath >= 0;
  return {
    method: text.slice(0, afterMethod),
    path: text.slice(afterMethod + 1, hasBody ? afterPath : undefined),
    body: hasBody ? text.slice(afterPath + 1) : undefined,
  };
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
  const wire = wireNameOf(name);
  if (typeof value !== "object" || Array.isArray(value)) fields.push(wire, String(value));
  else if (value instanceof Date) fields.push(wire, value.toISOString());
  else for (const [inner, part] of Object.entries(value)) put(fields, `${wire}.${inner}`, part);
}

function wireNameOf(name: string): string {
  let wire = wireNames.get(name);
  if (wire === undefined) {
    wire = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    // Names inside of a caller's object are the caller's: they must not fill the memory.
    if (wireNames.size < MOST_WIRE_NAMES) wireNames.set(name, wire);
  }
  return wire;
}

/** Fields from an object. */
export function fieldsOf(values: object): Fields {
  const fields: Fields = [];
  for (const name of Object.keys(values)) put(fields, name, values[name as keyof typeof values]);
  return fields;
}

/** Adds a value that the engine keeps as JSON, such as `metadata`. */
export function putJson(fields: Fields, name: string, value: unknown): void {
  const text = value === undefined || value === null ? undefined : JSON.stringify(value);
  if (text !== undefined) fields.push(name, text);
}
