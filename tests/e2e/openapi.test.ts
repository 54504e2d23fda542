import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Engine, type Json } from "./engine.ts";
import { isVendorError, vendorOf } from "./vendors.ts";

let engine: Engine;
before(async () => {
  engine = await Engine.start();
});
after(() => engine.end());

/** A path with its parameters filled in. */
function filled(path: string): string {
  return path.replaceAll(/\{\w+\}/g, "x");
}

// That the document has every route of the Worker is held by a native test beside the
// routes; that answers are as documented, by every call of `Engine.send`.

test("every operation of the document is in the Worker", async () => {
  const { operations } = engine.contract;
  assert.ok(operations.length > 30);
  for (const { method, path } of operations) {
    const answer = await engine.send(method, filled(path));
    const { status, body } = answer;
    const vendor = vendorOf(path);
    if (vendor) {
      const isRefused = status === 401 && isVendorError(vendor, answer);
      assert.ok(isRefused, `${method} ${path}: ${JSON.stringify(body)}`);
      continue;
    }
    const isPublic = path === "/healthz" || path === "/openapi.json";
    // Stripe has no key; without its secrets the Worker takes nothing from it.
    const isStripe = path === "/webhooks/stripe";
    const refused = isStripe ? [500, "internal"] : [401, "missing_key"];
    const expected = isPublic ? [200, undefined] : refused;
    assert.deepEqual([status, body.code], expected, `${method} ${path}`);
  }
});

test("a method that the document does not name is answered 405 with the ones that it names", async () => {
  const { document } = engine.contract;
  for (const [path, item] of Object.entries(document.paths) as [string, Json][]) {
    if (path === "/gate/{path}") continue;
    const documented = Object.keys(item).map((method) => method.toUpperCase());
    const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"];
    for (const method of methods) {
      if (documented.includes(method === "HEAD" ? "GET" : method)) continue;
      const answer = await engine.send(method, filled(path));
      const { status, headers, body } = answer;
      const vendor = vendorOf(path);
      assert.equal(status, 405, `${method} ${path}`);
      const allowed = headers.get("Allow")?.split(", ") ?? [];
      assert.deepEqual(allowed.sort(), documented.sort(), `${method} ${path}`);
      if (method === "HEAD") continue;
      if (vendor) assert.ok(isVendorError(vendor, answer), `${method} ${path}`);
      else assert.deepEqual(body.allow.sort(), allowed);
    }
  }
});

test("a path that the document does not name is 404 not_found", async () => {
  const paths = [
    "/",
    "/v1",
    "/v2/customers",
    "/v1/customers/a/b",
    "/v1/customers/a/consume/",
    "/gate",
  ];
  for (const path of paths) {
    const { status, body } = await engine.send("GET", path);
    assert.deepEqual([status, body.code], [404, "not_found"], path);
  }
});

test("every example of the document is valid against its own schema", () => {
  const { contract } = engine;
  let seen = 0;
  const visit = (node: Json, place: string): void => {
    if (typeof node !== "object" || node === null) return;
    if (node.schema && node.example !== undefined) {
      contract.validate(node.schema, node.example, place);
      seen += 1;
    }
    if (node.schema && node.examples) {
      for (const [name, example] of Object.entries(node.examples) as [string, Json][]) {
        const { $ref } = example;
        const { value } = $ref ? contract.document.components.examples[name] : example;
        contract.validate(node.schema, value, `${place} ${name}`);
        seen += 1;
      }
    }
    for (const [key, part] of Object.entries(node))
      if (key !== "schema") visit(part, `${place}/${key}`);
  };
  visit(contract.document, "");
  assert.ok(seen > 60, `${seen} examples`);
});

test("a HEAD request is answered as its GET, without a body", async () => {
  const get = await engine.send("GET", "/healthz");
  const head = await engine.send("HEAD", "/healthz");
  assert.deepEqual([head.status, head.body], [get.status, ""]);
  assert.equal(head.headers.get("Content-Type"), "application/json");
});

test("an answer is never kept by a cache", async () => {
  const { headers } = await engine.send("GET", "/healthz");
  assert.equal(headers.get("Cache-Control"), "no-store");
});
