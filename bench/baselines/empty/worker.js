// The least that a Worker can do: the ceiling for any other on this machine.

export default {
  fetch() {
    return new Response("ok");
  },
};
