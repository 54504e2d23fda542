// The least that a Worker with the bindings of edge-credits can do: what of its start is the
// platform's.

import { DurableObject } from "cloudflare:workers";

export class LedgerObject extends DurableObject {}
export class ProjectObject extends DurableObject {}
export class RegistryObject extends DurableObject {}
export class EventsObject extends DurableObject {}
export class RollupObject extends DurableObject {}
export class ImporterObject extends DurableObject {}

export default {
  fetch() {
    return new Response("ok");
  },
};
