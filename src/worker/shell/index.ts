// The Worker's entry: it hands requests to the engine and performs what the engine asks
// for. It does I/O and nothing else; every decision is Rust's.

import { answerPreflight, withCors } from "./cors";
import { perform, performInBackground } from "./effects";
import { call, configure, currentGeneration } from "./engine";
import type { Env } from "./env";
import { newRequestId, readBody, readHead, respond } from "./http";

export { LedgerObject } from "./ledger";
export { ProjectObject, RegistryObject } from "./project";

/** A request on its way: what effects need of it, and what they bring back. */
export interface Task {
  request: Request;
  env: Env;
  context: ExecutionContext;
  requestId: string;
  /** The origin's answer, once there is one. */
  origin?: Response;
}

let lastTask = 0;

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    const origins = env.CORS_ORIGINS;
    if (origins && request.method === "OPTIONS") {
      const preflight = answerPreflight(request, origins);
      if (preflight) return preflight;
    }
    const task: Task = { request, env, context, requestId: newRequestId() };
    const answered = run(task);
    // A caller that hangs up must not leave a charge without its refund or a hold open.
    context.waitUntil(answered);
    const response = await answered;
    return origins ? withCors(request, response, origins) : response;
  },
} satisfies ExportedHandler<Env>;

async function run(task: Task): Promise<Response> {
  const { env, context, requestId } = task;
  try {
    configure(env);
    const body = await readBody(task.request);
    lastTask = (lastTask + 1) >>> 0;
    const number = lastTask;
    const generation = currentGeneration();
    const head = readHead(task.request, requestId);
    let step = call((engine) => engine.begin(number, head, body, Date.now()));
    for (;;) {
      performInBackground(env, context);
      if (step.charCodeAt(0) === ANSWER) return respond(step, task);
      const reply = await perform(step, task);
      // The instance that began this request is gone, and its flow with it.
      if (currentGeneration() !== generation) throw new Error("the engine was restarted");
      step = call((engine) => engine.resume(number, reply));
    }
  } catch (error) {
    console.error(`${requestId} ${error instanceof Error ? error.message : "failed"}`);
    return respond(INTERNAL, task);
  }
}

const ANSWER = "A".charCodeAt(0);
const INTERNAL = `A500p\n\n${JSON.stringify({
  type: "urn:edge-credits:problem:internal",
  title: "Internal error",
  status: 500,
  detail: "something went wrong on our side; the request id finds it in the log",
  code: "internal",
})}`;
