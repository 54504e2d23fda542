// A server that answers every call with the same bytes: what is left of a call is the client.

import { createServer } from "node:http";

const ANSWER = JSON.stringify({
  success: true,
  balance: 999_999.5,
  amount: 0.001,
  transaction_id: "txn_8Zr1Tn0cQm5",
  replayed: false,
  customer_id: "hot",
  available: 999_999.5,
  held: 0,
  credit_name: "credits",
  as_of: "2026-03-01T00:00:00.000Z",
});

const server = createServer((incoming, outgoing) => {
  incoming.resume().on("end", () => {
    outgoing.writeHead(200, {
      "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(ANSWER),
      "X-Request-Id": "req_1",
    });
    outgoing.end(ANSWER);
  });
});
server.listen(0, "127.0.0.1", () => {
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  console.log(port);
});
