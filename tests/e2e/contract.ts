// Every answer against the OpenAPI document that the engine serves: its status, its media
// type, its headers and its body. Unlike a client the tests are strict: a field that the
// document does not name is a mistake of one of the two.

import assert from "node:assert/strict";
import { Ajv2020 as Ajv, type AnySchema, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { type Json, NDJSON } from "./engine.ts";

/** What is asked and what came back. */
export interface Exchange {
  method: string;
  /** As sent, with its query. */
  path: string;
  status: number;
  headers: Headers;
  body: Json;
}

const METHODS = ["get", "post", "put", "patch", "delete"];
const PROBLEM = "application/problem+json";
/** One object, since a schema is compiled once per object. */
const PROBLEM_SCHEMA = { $ref: "#/components/schemas/Problem" };
/** Fraction digits of an amount. */
const AMOUNT_DIGITS = 6;

export class Contract {
  readonly document: Json;
  readonly #ajv: Ajv;
  readonly #paths: { pattern: RegExp; template: string }[];
  readonly #compiled = new Map<unknown, ValidateFunction>();

  constructor(document: Json) {
    this.document = document;
    this.#ajv = new Ajv({
      allErrors: true,
      strict: true,
      // A rule such as "one of these is required" stands without naming its type again.
      strictTypes: false,
      strictRequired: false,
    });
    addFormats.default(this.#ajv);
    // A double divided by a millionth is off by more the larger it is: the digits are looked at.
    this.#ajv.removeKeyword("multipleOf");
    this.#ajv.addKeyword({
      keyword: "multipleOf",
      type: "number",
      schemaType: "number",
      validate: (unit: number, value: number) =>
        unit === 10 ** -AMOUNT_DIGITS
          ? Number(value.toFixed(AMOUNT_DIGITS)) === value
          : value % unit === 0,
    });
    // OpenAPI's own words, which say nothing about what is valid.
    for (const keyword of ["discriminator", "example", "components"]) this.#ajv.addKeyword(keyword);
    const schemas = structuredClone(document.components.schemas);
    for (const schema of Object.values(schemas)) closeObjects(schema as Json);
    this.#ajv.addSchema({ components: { schemas } }, "document");
    this.#paths = Object.keys(document.paths).map((template) => ({
      template,
      pattern: new RegExp(
        `^${template
          .replaceAll(/[.]/g, "\\.")
          .replace("{path}", ".*")
          .replaceAll(/\{\w+\}/g, "[^/]*")}$`,
      ),
    }));
  }

  /** Each documented operation. */
  get operations(): { method: string; path: string; operation: Json }[] {
    return Object.entries(this.document.paths).flatMap(([path, item]) =>
      METHODS.filter((method) => (item as Json)[method]).map((method) => ({
        method: method.toUpperCase(),
        path,
        operation: (item as Json)[method],
      })),
    );
  }

  /** Fails unless the answer is one that the document promises. */
  check(exchange: Exchange): void {
    const { method, status, headers } = exchange;
    const what = `${method} ${exchange.path} answered ${status}`;
    if (method === "OPTIONS" && status === 204) return; // a browser's preflight
    assert.ok(headers.get("X-Request-Id"), `${what} without X-Request-Id`);
    const problem = headers.get("Content-Type") === PROBLEM;
    if (problem && method !== "HEAD") this.#checkProblem(exchange, what);
    const path = exchange.path.split("?", 1)[0] ?? "";
    const template = this.#paths.find(({ pattern }) => pattern.test(path))?.template;
    if (template === undefined) return;
    const operation =
      this.document.paths[template][method === "HEAD" ? "get" : method.toLowerCase()];
    if (operation === undefined) {
      const isAny = template.endsWith("/{path}");
      assert.ok(
        isAny || (status === 405 && headers.has("Allow")),
        `${what} for an undocumented method`,
      );
      return;
    }
    const response = this.#response(operation, exchange, what);
    for (const [name, header] of Object.entries(response.headers ?? {}))
      this.#checkHeader(name, this.#resolve(header), headers, what);
    const schema = mediaType(response, headers)?.schema;
    if (schema === undefined || method === "HEAD" || Object.keys(schema).length === 0) return;
    // Of a body in lines the document describes each line.
    const values = headers.get("Content-Type") === NDJSON ? exchange.body : [exchange.body];
    for (const value of values) this.validate(schema, value, what);
  }

  /** Fails unless a value is valid against a schema of the document. */
  validate(schema: Json, value: unknown, what: string): void {
    let validate = this.#compiled.get(schema);
    if (validate === undefined) {
      validate = this.#ajv.compile(absolute(schema) as AnySchema);
      this.#compiled.set(schema, validate);
    }
    const valid = validate(value);
    const errors = validate.errors?.map(
      (e) => `${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`,
    );
    assert.ok(valid, `${what}, not as documented: ${errors?.join("; ")}\n${JSON.stringify(value)}`);
  }

  #response(operation: Json, { status, headers }: Exchange, what: string): Json {
    const { [status]: exact, default: other } = operation.responses;
    const response = exact === undefined ? undefined : this.#resolve(exact);
    if (response !== undefined && mediaType(response, headers)) return response;
    // What stands behind the gate may answer anything.
    if (other !== undefined && headers.get("Content-Type") !== PROBLEM) return this.#resolve(other);
    assert.ok(response, `${what}, a status that is not documented`);
    assert.fail(`${what} as ${headers.get("Content-Type")}, which is not documented`);
  }

  #checkProblem({ status, body, headers }: Exchange, what: string): void {
    this.validate(PROBLEM_SCHEMA, body, what);
    assert.equal(body.status, status, `${what}: the problem's own status`);
    assert.equal(body.type, `urn:edge-credits:problem:${body.code}`, what);
    const needsRetryAfter = status === 429 || status === 503;
    assert.ok(!needsRetryAfter || headers.has("Retry-After"), `${what} without Retry-After`);
  }

  #checkHeader(name: string, header: Json, headers: Headers, what: string): void {
    const text = headers.get(name);
    assert.ok(text !== null || !header.required, `${what} without ${name}`);
    if (text === null) return;
    const value = header.schema.type === "integer" ? Number(text) : text;
    this.validate(header.schema, value, `${what}: ${name}`);
  }

  #resolve(node: Json): Json {
    if (node.$ref === undefined) return node;
    const parts: string[] = node.$ref.replace("#/", "").split("/");
    return parts.reduce((at, part) => at[part], this.document);
  }
}

function mediaType(response: Json, headers: Headers): Json {
  const type = headers.get("Content-Type")?.split(";", 1)[0] ?? "";
  return response.content?.[type] ?? response.content?.["*/*"];
}

/** References from outside the document. */
function absolute(schema: Json): Json {
  return JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#/', '"$ref":"document#/'));
}

/** Refuses fields that an object's schema does not name. */
function closeObjects(schema: Json): void {
  if (typeof schema !== "object" || schema === null) return;
  const isOpen =
    schema.type === "object" && schema.properties && !("additionalProperties" in schema);
  if (isOpen) schema.additionalProperties = false;
  for (const [keyword, part] of Object.entries(schema)) {
    // Of the parts of an `allOf` each names some of the fields.
    if (keyword === "allOf" || keyword === "not") continue;
    if (Array.isArray(part)) part.forEach(closeObjects);
    else closeObjects(part as Json);
  }
}
