// docs/api is what the doc comments say: made anew, every page is the same.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { REFERENCE_DIR, writeReference } from "../../scripts/reference.mjs";

test("the committed reference is up to date, and every public item has a comment", async (t) => {
  const out = mkdtempSync(join(tmpdir(), "edge-credits-reference-"));
  t.after(() => rmSync(out, { recursive: true, force: true }));
  // Throws for an item without a comment, and for a link that leads nowhere.
  await writeReference(out);
  const pages = readdirSync(out);
  assert.deepEqual(readdirSync(REFERENCE_DIR), pages);
  assert.ok(pages.length > 9);
  for (const page of pages) {
    const [committed, now] = [REFERENCE_DIR, out].map((dir) =>
      readFileSync(join(dir, page), "utf8"),
    );
    assert.ok(committed === now, `docs/api/${page} is stale: run \`npm run reference\``);
  }
});
