// What stands behind the gate: a service that answers a constant, and fails where it is told to.

export default {
  fetch(request) {
    return request.url.endsWith("/fail")
      ? new Response("out of order", { status: 500 })
      : new Response("ok");
  },
};
