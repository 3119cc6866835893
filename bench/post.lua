-- wrk: one chat completion per request. KEY comes from the environment, the body from the file that BODY_FILE names.
local file = assert(io.open(os.getenv("BODY_FILE"), "rb"))
wrk.method = "POST"
wrk.body = file:read("*a")
file:close()
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer " .. (os.getenv("KEY") or "none")
local extra = os.getenv("EXTRA_HEADERS") or ""
for name, value in string.gmatch(extra, "([^=;]+)=([^;]+)") do wrk.headers[name] = value end
