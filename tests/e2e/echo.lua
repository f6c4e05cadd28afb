-- Sends content in chunks of 8 KiB, as many bytes as the first argument says, and counts an answer
-- that is not the same content as a failure: the process ends with it.
local content, request_text

function init(args)
  local chunk = string.rep("0123456789abcdef", 512)
  local count = tonumber(args[1]) / #chunk
  content = string.rep(chunk, count)
  request_text = wrk.format("POST", nil, {["Transfer-Encoding"] = "chunked"})
    .. string.rep(string.format("%x\r\n%s\r\n", #chunk, chunk), count) .. "0\r\n\r\n"
end

function request()
  return request_text
end

function response(_, _, body)
  if body ~= content then
    io.stderr:write("an answer of " .. #body .. " bytes is not what was sent\n")
    os.exit(1)
  end
end
