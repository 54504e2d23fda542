// A Worker whose credits are in a database elsewhere: it checks the key and asks the database's
// HTTP front, as Workers do with databases that are reached by HTTP. The runtime keeps the
// connections.

import { projectOf, verify } from "../keys.js";

export default {
  async fetch(request, env) {
    if (request.url.endsWith("/healthz")) return new Response("ok");
    const authorization = request.headers.get("authorization");
    const project = projectOf(authorization) ?? (await verify(authorization, env));
    if (project) return env.ORIGIN.fetch(request);
    return Response.json({ status: 401, code: "invalid_key" }, { status: 401 });
  },
};
