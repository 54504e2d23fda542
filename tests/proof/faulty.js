// Stands before the Worker and plays the platform's bad days, as `POST /faults` orders them:
// calls to objects that fail, and storage that fails. `GET /calls` tells how often each kind of
// object was called, and how often storage was asked to be durable, and begins anew.

import worker, * as objects from "./worker.js";

const NAMESPACES = ["LEDGER", "PROJECT", "REGISTRY", "ROLLUP", "EVENTS", "IMPORTER"];

/** By namespace: `overloaded` or `broken`. */
let calls = {};
/** What a ledger's storage does wrong: see `faultOf`. */
let storage = { refuse: 0, tear: 0, sync: 0, alarm: 0 };
let counted = {};

function count(name) {
  counted[name] = (counted[name] ?? 0) + 1;
}

function instead(target, replacements) {
  return new Proxy(target, {
    get(_, name) {
      if (name in replacements) return replacements[name];
      const value = target[name];
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** The error of a call to an object that is not well, marked as the platform marks it. */
function callError(fault) {
  if (fault === "overloaded")
    return Object.assign(new Error("Durable Object is overloaded."), { overloaded: true });
  return Object.assign(new Error("Network connection lost."), { retryable: true });
}

/** The namespaces as `who` sees them: "" for the front, whose caller waits for the answer. */
function withFaults(env, who = "") {
  const namespaces = NAMESPACES.map((name) => {
    const get = (id) => {
      const stub = env[name].get(id);
      const call = (text) => {
        count(`${who}${name}`);
        return calls[name] === undefined ? stub.call(text) : Promise.reject(callError(calls[name]));
      };
      return instead(stub, { call });
    };
    return [name, instead(env[name], { get })];
  });
  return { ...env, ...Object.fromEntries(namespaces) };
}

/** Whether this time it goes wrong, of a kind that does so often. */
function goesWrong(kind) {
  return Math.random() < storage[kind];
}

class FaultyLedger extends objects.LedgerObject {
  constructor(context, env) {
    super(context, withFaults(env, "ledger:"));
    const real = context.storage;
    const exec = (sql, ...parameters) => {
      const isWrite = /^\s*(INSERT|CREATE|UPDATE)/.test(sql);
      if (isWrite && goesWrong("refuse")) throw new Error("database or disk is full: SQLITE_FULL");
      const cursor = real.sql.exec(sql, ...parameters);
      // What was written stays, although its writer hears of a failure.
      if (isWrite && goesWrong("tear")) throw new Error("disk I/O error: SQLITE_IOERR");
      return cursor;
    };
    const sync = async () => {
      count("sync");
      if (goesWrong("sync")) throw new Error("the commit failed");
      return real.sync();
    };
    const setAlarm = async (at) => {
      if (goesWrong("alarm")) throw new Error("the alarm was not set");
      return real.setAlarm(at);
    };
    const sql = instead(real.sql, { exec });
    this.ctx = instead(context, { storage: instead(real, { sql, sync, setAlarm }) });
  }
}

class ImporterObject extends objects.ImporterObject {
  constructor(context, env) {
    super(context, withFaults(env));
  }
}

const { ProjectObject, RegistryObject, RollupObject, EventsObject } = objects;

export {
  EventsObject,
  FaultyLedger as LedgerObject,
  ImporterObject,
  ProjectObject,
  RegistryObject,
  RollupObject,
};

export default {
  async fetch(request, env, context) {
    if (request.url.endsWith("/calls")) {
      const told = counted;
      counted = {};
      return Response.json(told);
    }
    if (!request.url.endsWith("/faults")) return worker.fetch(request, withFaults(env), context);
    const order = await request.json();
    calls = order.calls ?? {};
    storage = { refuse: 0, tear: 0, sync: 0, alarm: 0, ...order.storage };
    counted = {};
    return Response.json({});
  },
};
