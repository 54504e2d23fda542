// Stands before the Worker and counts what its objects have the platform's storage do:
// `GET /counted` answers and begins anew. It changes nothing.

import worker, * as objects from "./worker.js";

let cursors = [];
let calls = {};
let alarms = {};

function counting(target, instead) {
  return new Proxy(target, {
    get(_, name) {
      if (name in instead) return instead[name];
      const value = target[name];
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** An object of which every statement, every alarm and every call is counted. */
function counted(Base) {
  return class extends Base {
    constructor(context, env) {
      super(context, env);
      const { storage } = context;
      const exec = (...query) => {
        const cursor = storage.sql.exec(...query);
        cursors.push([Base.name, cursor]);
        return cursor;
      };
      const setAlarm = (...at) => {
        alarms[Base.name] = (alarms[Base.name] ?? 0) + 1;
        return storage.setAlarm(...at);
      };
      const sql = counting(storage.sql, { exec });
      this.ctx = counting(context, { storage: counting(storage, { sql, setAlarm }) });
    }

    call(...message) {
      calls[Base.name] = (calls[Base.name] ?? 0) + 1;
      return super.call(...message);
    }
  };
}

export const LedgerObject = counted(objects.LedgerObject);
export const ProjectObject = counted(objects.ProjectObject);
export const RegistryObject = counted(objects.RegistryObject);
export const RollupObject = counted(objects.RollupObject);
export const EventsObject = counted(objects.EventsObject);
export const ImporterObject = objects.ImporterObject;

export default {
  fetch(request, env, context) {
    if (!request.url.endsWith("/counted")) return worker.fetch(request, env, context);
    const [rows, read] = [{}, {}];
    // The platform's own counters, once each statement has run to its end.
    for (const [name, { rowsWritten, rowsRead }] of cursors) {
      rows[name] = (rows[name] ?? 0) + rowsWritten;
      read[name] = (read[name] ?? 0) + rowsRead;
    }
    const counted = { rows, read, calls, alarms };
    [cursors, calls, alarms] = [[], {}, {}];
    return Response.json(counted);
  },
};
