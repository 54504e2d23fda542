// The service behind the gate, the same for all contenders that have one.

import { serve, writeBaselineConfig } from "./server.mjs";
import { chooseStorages, freshDirectory } from "./storage.mjs";

export async function startOrigin() {
  const [storage] = chooseStorages({ disk: false, tmpfs: true });
  if (!storage) throw new Error("there is no storage");
  const directory = freshDirectory(storage);
  const config = writeBaselineConfig(directory.path, "origin", { hasObject: false });
  const server = await serve(config, {});
  return {
    originAddress: new URL(server.url).host,
    async end() {
      await server.kill();
      directory.dispose();
    },
  };
}
