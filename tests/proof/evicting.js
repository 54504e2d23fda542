// Stands before the Worker and has the platform drop objects from memory, as it does with those
// that are idle: `POST /evict` with a ledger's name. It changes nothing else about ledgers.
//
// `POST /plain` does the same to an object that has nothing of the engine in it, after it has
// written a row: what the runtime itself keeps of each. It stands in the importer's place.

import { DurableObject } from "cloudflare:workers";
import worker, * as objects from "./worker.js";

export class LedgerObject extends objects.LedgerObject {
  evict() {
    this.ctx.abort("evicted");
  }
}

export class ImporterObject extends DurableObject {
  async count() {
    const { sql } = this.ctx.storage;
    sql.exec("CREATE TABLE IF NOT EXISTS rows (n INTEGER PRIMARY KEY)");
    sql.exec("INSERT INTO rows VALUES (NULL)");
    await this.ctx.storage.sync();
    return sql.exec("SELECT count(*) AS rows FROM rows").one().rows;
  }

  evict() {
    this.ctx.abort("evicted");
  }
}

export { EventsObject, ProjectObject, RegistryObject, RollupObject } from "./worker.js";

/** Drops an object from memory; an answer that says whether it is gone. */
async function evict(object, headers = {}) {
  const error = await object.evict().then(
    () => "it is still there",
    (reason) => reason.message,
  );
  return new Response(error, { status: error === "evicted" ? 200 : 500, headers });
}

export default {
  async fetch(request, env, context) {
    const { pathname } = new URL(request.url);
    if (pathname === "/evict") {
      return evict(env.LEDGER.get(env.LEDGER.idFromName(await request.text())));
    }
    if (pathname === "/plain") {
      const object = () => env.IMPORTER.get(env.IMPORTER.idFromName(name));
      const name = await request.text();
      const rows = await object().count();
      return evict(object(), { rows });
    }
    return worker.fetch(request, env, context);
  },
};
