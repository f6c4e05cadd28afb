-- Sends 4 KiB with each request, and counts an answer that is not the same 4 KiB as a failure: the
-- process ends with it.
local content = string.rep("0123456789abcdef", 256)

wrk.method = "POST"
wrk.body = content

function response(_, _, body)
  if body ~= content then
    io.stderr:write("an answer of " .. #body .. " bytes is not what was sent\n")
    os.exit(1)
  end
end
