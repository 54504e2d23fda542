// Cross-origin requests from browsers: off unless CORS_ORIGINS names who may.

const EXPOSED =
  "X-Request-Id, Idempotent-Replayed, Retry-After, X-Credits-Remaining, X-Credits-Cost, X-Journal-Entries";
const PREFLIGHT_SECONDS = "86400";

function allowed(request: Request, origins: string): string | undefined {
  const origin = request.headers.get("Origin");
  if (origin === null) return undefined;
  const known = origins.split(",").map((known) => known.trim());
  return known.includes("*") || known.includes(origin) ? origin : undefined;
}

/** The answer to a preflight; `undefined` for what is none. */
export function answerPreflight(request: Request, origins: string): Response | undefined {
  const origin = allowed(request, origins);
  const method = request.headers.get("Access-Control-Request-Method");
  if (origin === undefined || method === null) return undefined;
  const headers = new Headers({
    "Access-Control-Allow-Origin": origin,
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
    "Access-Control-Max-Age": PREFLIGHT_SECONDS,
    Vary: "Origin, Access-Control-Request-Headers",
  });
  const asked = request.headers.get("Access-Control-Request-Headers");
  if (asked !== null) headers.set("Access-Control-Allow-Headers", asked);
  return new Response(null, { status: 204, headers });
}

/** The response as a browser of an allowed origin may read it. */
export function withCors(request: Request, response: Response, origins: string): Response {
  const origin = allowed(request, origins);
  response.headers.append("Vary", "Origin");
  if (origin !== undefined) {
    response.headers.set("Access-Control-Allow-Origin", origin);
    response.headers.set("Access-Control-Expose-Headers", EXPOSED);
  }
  return response;
}
