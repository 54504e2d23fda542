// Stands before the Worker and tells how many instructions its wasm has executed: `GET /counted`
// answers and begins anew. Its wasm must be one that counts: see instructions.ts.

const { Instance } = WebAssembly;
let counter;

WebAssembly.Instance = class extends Instance {
  constructor(module, imports) {
    super(module, imports);
    counter = this.exports.instructions_executed;
  }
};

const objects = await import("./worker.js");

export const { LedgerObject, ProjectObject, RegistryObject } = objects;
export const { EventsObject, RollupObject, ImporterObject } = objects;

export default {
  fetch(request, env, context) {
    if (!request.url.endsWith("/counted")) return objects.default.fetch(request, env, context);
    const count = String(counter.value);
    counter.value = 0n;
    return new Response(count);
  },
};
