// Credits in Redis: a balance and a journal per account, changed by one script. The client
// sends what comes up in one turn of the event loop in one write.

import { readFileSync } from "node:fs";
import { createClient, defineScript } from "redis";

const change = defineScript({
  SCRIPT: readFileSync(new URL("./change.lua", import.meta.url), "utf8"),
  NUMBER_OF_KEYS: 2,
  parseCommand(parser, account, amount, entry) {
    parser.pushKey(`balance:${account}`);
    parser.pushKey(`journal:${account}`);
    parser.push(amount, entry);
  },
  transformReply: (reply) => reply,
});

export async function connect(port) {
  const client = createClient({ socket: { host: "127.0.0.1", port }, scripts: { change } });
  client.on("error", (error) => console.error(error));
  await client.connect();
  return {
    async change(account, micros, payload) {
      const entry = `{"at":${Date.now()},"amount":${micros},"payload":${payload}}`;
      const [isDone, balance, seq] = await client.change(account, String(micros), entry);
      return { isDone: isDone === 1, balance, seq };
    },
    balance: async (account) => Number(await client.get(`balance:${account}`)),
    async audit(account) {
      const texts = await client.lRange(`journal:${account}`, 0, -1);
      const amounts = texts.map((text) => JSON.parse(text).amount);
      return {
        journal: amounts.reduce((sum, amount) => sum + amount, 0),
        live: Number(await client.get(`balance:${account}`)),
        entries: amounts.length,
        consumptions: amounts.filter((amount) => amount < 0).length,
      };
    },
  };
}
