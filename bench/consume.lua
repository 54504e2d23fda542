-- The measured request of the consume scenarios. The key comes by -H; there is no
-- response() hook, because wrk runs slower with one.
wrk.method = "POST"
wrk.body = '{"amount":0.001}'
wrk.headers["Content-Type"] = "application/json"
