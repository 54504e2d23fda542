// Stands before the Worker and counts what ledgers tell the rollup objects: `GET /told` answers
// how many messages brought the words of how many, and begins anew. After `POST /refuse` a
// message that brings the words of several fails.

import worker, { RollupObject as Told } from "./worker.js";

export {
  EventsObject,
  ImporterObject,
  LedgerObject,
  ProjectObject,
  RegistryObject,
} from "./worker.js";

let told = { messages: 0, words: 0, refused: 0 };
let refuses = false;

export class RollupObject extends Told {
  call(message) {
    if (!message.startsWith('{"receive"')) return super.call(message);
    const words = message.split("\n").length;
    if (refuses && words > 1) {
      told.refused += words;
      throw new Error("refused");
    }
    told.messages += 1;
    told.words += words;
    return super.call(message);
  }
}

export default {
  fetch(request, env, context) {
    if (request.url.endsWith("/refuse")) refuses = true;
    else if (!request.url.endsWith("/told")) return worker.fetch(request, env, context);
    const answer = Response.json(told);
    told = { messages: 0, words: 0, refused: 0 };
    return answer;
  },
};
