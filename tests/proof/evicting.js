// Stands before the Worker and has the platform drop ledgers from memory, as it does with those
// that are idle: `POST /evict` with an object's name. It changes nothing else.

import worker, * as objects from "./worker.js";

export class LedgerObject extends objects.LedgerObject {
  evict() {
    this.ctx.abort("evicted");
  }
}

export {
  EventsObject,
  ImporterObject,
  ProjectObject,
  RegistryObject,
  RollupObject,
} from "./worker.js";

export default {
  async fetch(request, env, context) {
    if (!request.url.endsWith("/evict")) return worker.fetch(request, env, context);
    const ledger = env.LEDGER.get(env.LEDGER.idFromName(await request.text()));
    const error = await ledger.evict().then(
      () => "it is still there",
      (reason) => reason.message,
    );
    return new Response(error, { status: error === "evicted" ? 200 : 500 });
  },
};
