-- The same request over and over: a method and, if there is one, a body. The key comes by -H;
-- there is no response() hook, because wrk runs slower with one.
function init(args)
  wrk.method = args[1]
  if args[2] then
    wrk.body = args[2]
    wrk.headers["Content-Type"] = "application/json"
  end
end
